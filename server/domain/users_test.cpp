#include "server/domain/users.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

UserRecord user(std::int64_t id, std::string name, Role role, bool disabled = false) {
    return {UserId{id}, name, name, role, disabled};
}
const Actor kLi{"li", ""};
const Actor kAtTheDatabase{"root", "cli"};

TEST(UserChanges, NobodyLocksHimselfOutAndAnOfficeKeepsAnOwner) {
    // The only owner clicks the wrong line, and no one can sign in to undo it.
    const std::vector<UserRecord> two{user(1, "li", Role::kOwner), user(2, "wang", Role::kOwner)};
    EXPECT_FALSE(check_user_change(two, {UserId{2}, "Wang", Role::kOwner, true, ""}, kLi));
    EXPECT_FALSE(check_user_change(two, {UserId{2}, "Wang", Role::kCashier, false, ""}, kLi));
    EXPECT_EQ(check_user_change(two, {UserId{1}, "Li", Role::kOwner, true, ""}, kLi)->reason, Reason::kNoRight);
    EXPECT_EQ(check_user_change(two, {UserId{1}, "Li", Role::kAuditor, false, ""}, kLi)->reason, Reason::kNoRight);
    EXPECT_FALSE(check_user_change(two, {UserId{1}, "Li Lan", Role::kOwner, false, ""}, kLi)) << "his name he may";

    const std::vector<UserRecord> last{user(1, "li", Role::kOwner), user(2, "wang", Role::kOwner, true),
                                       user(3, "zhao", Role::kCashier)};
    for (const UserChange& change :
         {UserChange{UserId{1}, "Li", Role::kOwner, true, ""}, UserChange{UserId{1}, "Li", Role::kCashier, false, ""}})
        EXPECT_EQ(check_user_change(last, change, kAtTheDatabase)->reason, Reason::kLastOwner);
    EXPECT_FALSE(check_user_change(last, {UserId{2}, "Wang", Role::kOwner, false, ""}, kLi)) << "unlocked again";
    EXPECT_EQ(check_user_change(last, {UserId{7}, "x", Role::kOwner, false, ""}, kLi)->reason, Reason::kNotFound);
    EXPECT_EQ(check_user_change(last, {UserId{3}, "", Role::kCashier, false, ""}, kLi)->reason, Reason::kBadArgument);
}

TEST(UserChanges, WordsOfTheJournalAreReadBack) {
    // Whoever was a second person yesterday is known from what the journal says of him.
    for (const Role role : {Role::kOwner, Role::kCashier, Role::kTechnician, Role::kAuditor})
        for (const bool locked : {false, true})
            EXPECT_EQ(role_in(in_words(user(1, "li", role, locked))), role);
    EXPECT_FALSE(role_in("nobody"));
}

}  // namespace
}  // namespace prewatt::server
