#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {
namespace {

const Actor kOwner{"owner", "10.0.0.7"};

class Users : public OfficeTest {
  protected:
    Answer<UserRecord> make_cashier() {
        UserRecord cashier;
        cashier.user = "li";
        cashier.role = Role::kCashier;
        return wait<UserRecord>([&](auto done) { office_->create_user(cashier, "first password", kOwner, done); });
    }
    Answer<Session> sign_in(const std::string& user, const std::string& password) {
        return wait<Session>([&](auto done) { office_->sign_in(user, password, "10.0.0.7", done); });
    }
};

TEST_F(Users, SessionLastsWhileItIsUsed) {
    // A cashier signs in in the morning and works all day; the session of last week's cashier is closed.
    start();
    const auto session = sign_in("owner", "correct horse");
    ASSERT_TRUE(session) << session.error().message;
    EXPECT_EQ(session->user.role, Role::kOwner);
    EXPECT_GE(session->token.size(), 64u);
    for (int hour = 0; hour < 30; ++hour) {
        move(minutes(60));
        ASSERT_TRUE(office_->session(session->token));
        ASSERT_TRUE(wait<Done>(
            [&](auto done) { office_->sign_out("nobody's", "10.0.0.7", done); }));  // what was queued is written
    }
    reopen();
    EXPECT_EQ(office_->session(session->token)->user, "owner");
    move(kSessionIdleMax + seconds(1));
    EXPECT_EQ(office_->session(session->token).error().reason, Reason::kSignInRefused);
    EXPECT_FALSE(office_->session(""));
}

TEST_F(Users, SignedOutIsSignedOut) {
    // The next person at the desk must not sell in the first one's name.
    start();
    const auto session = sign_in("owner", "correct horse");
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->sign_out(session->token, "10.0.0.7", done); }));
    EXPECT_FALSE(office_->session(session->token));
}

TEST_F(Users, FiveWrongPasswordsLockTheNameForAQuarterOfAnHour) {
    // Otherwise somebody in the dormitory's network tries passwords all night.
    start();
    for (int k = 0; k < kWrongPasswordsMax; ++k)
        EXPECT_EQ(sign_in("owner", "wrong").error().reason, Reason::kSignInRefused);
    const auto locked = sign_in("owner", "correct horse");
    ASSERT_FALSE(locked);
    EXPECT_EQ(locked.error().reason, Reason::kLockedOut);
    EXPECT_EQ(locked.error().limit, 900);
    reopen();
    move(kLockOut - seconds(1));
    EXPECT_EQ(sign_in("owner", "correct horse").error().reason, Reason::kLockedOut);
    move(seconds(1));
    EXPECT_TRUE(sign_in("owner", "correct horse"));
}

TEST_F(Users, LockOutDoesNotTellWhichNamesExist) {
    // A name that locks differently from one that nobody has is a list of users for whoever asks.
    start();
    for (int k = 0; k < kWrongPasswordsMax; ++k)
        EXPECT_EQ(sign_in("nobody", "wrong").error().reason, Reason::kSignInRefused);
    EXPECT_EQ(sign_in("nobody", "wrong").error().reason, Reason::kLockedOut);
    EXPECT_TRUE(sign_in("owner", "correct horse"));
}

TEST_F(Users, RightPasswordForgivesTheWrongOnesBefore) {
    // Four typing errors a week apart must not add up.
    start();
    for (int round = 0; round < 2; ++round) {
        for (int k = 0; k < kWrongPasswordsMax - 1; ++k)
            EXPECT_FALSE(sign_in("owner", "wrong"));
        EXPECT_TRUE(sign_in("owner", "correct horse"));
    }
}

TEST_F(Users, NewPasswordEndsTheSessionsOfTheOldOne) {
    // Whoever changes a stolen password wants the thief out.
    start();
    const auto created = make_cashier();
    ASSERT_TRUE(created);
    const auto session = sign_in("li", "first password");
    ASSERT_TRUE(session);
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->set_password(created->id, "second password", kOwner, done); }));
    EXPECT_FALSE(office_->session(session->token));
    EXPECT_FALSE(sign_in("li", "first password"));
    EXPECT_TRUE(sign_in("li", "second password"));
    EXPECT_EQ(make_cashier().error().reason, Reason::kNameTaken);
    EXPECT_EQ(wait<Done>([&](auto done) { office_->set_password(created->id, "short", kOwner, done); }).error().reason,
              Reason::kPasswordWeak);
    EXPECT_EQ(office_->users()->size(), 2u);
}

TEST_F(Users, WhoIsLockedIsOutAtOnceAndComesBackWithTheOldPassword) {
    // The dismissed cashier still has the page open.
    start();
    const auto created = make_cashier();
    ASSERT_TRUE(created);
    const auto change = [&](UserChange wish) {
        wish.user = created->id;
        return wait<UserRecord>([&](auto done) { office_->change_user(wish, kOwner, done); });
    };
    auto session = sign_in("li", "first password");
    ASSERT_TRUE(session);
    ASSERT_TRUE(change({{}, "Li", Role::kCashier, true, "dismissed"}));
    EXPECT_FALSE(office_->session(session->token));
    EXPECT_EQ(sign_in("li", "first password").error().reason, Reason::kSignInRefused);
    reopen();
    EXPECT_FALSE(sign_in("li", "first password"));
    ASSERT_TRUE(change({{}, "Li", Role::kTechnician, false, ""}));
    EXPECT_FALSE(office_->session(session->token)) << "an old session does not come back";
    session = sign_in("li", "first password");
    ASSERT_TRUE(session);
    ASSERT_TRUE(change({{}, "Li", Role::kAuditor, false, ""}));
    EXPECT_EQ(office_->session(session->token)->role, Role::kAuditor) << "a right ends in the session that is open";
    AuditFilter filter;
    filter.action = "user.change";
    const auto records = *office_->audit().records(filter);
    ASSERT_EQ(records.size(), 3u);
    EXPECT_EQ(records[2].before, "cashier");
    EXPECT_EQ(records[2].after, "cashier, locked");
    EXPECT_EQ(records[2].reason, "dismissed");
    EXPECT_EQ(change({{}, "", Role::kAuditor, false, ""}).error().reason, Reason::kBadArgument);
}

}  // namespace
}  // namespace prewatt::server::store
