#include "card/openssl/master_key_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

namespace prewatt::card {
namespace {

class MasterKeyTest : public testing::Test {
  protected:
    MasterKeyTest() {
        char name[] = "/tmp/prewatt-key-XXXXXX";
        folder_ = mkdtemp(name);
        file_ = folder_ / "prewatt.key";
    }
    ~MasterKeyTest() override { std::filesystem::remove_all(folder_); }
    std::filesystem::path folder_;
    std::filesystem::path file_;
};

TEST_F(MasterKeyTest, IsMadeOnceAndReadableByItsOwnerOnly) {
    // A second start makes another key, and no meter of the site obeys any more.
    const auto made = load_or_make_master_key(file_);
    ASSERT_TRUE(made);
    EXPECT_TRUE(made->made);
    struct stat status{};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    const auto again = load_or_make_master_key(file_);
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->made);
    EXPECT_EQ(again->key, made->key);
    EXPECT_NE(made->key, Key{});
}

TEST_F(MasterKeyTest, ADamagedFileIsRefusedAndLeftAlone) {
    // Half a key is filled up with zeros, or replaced by a new one.
    for (const char* text :
         {"", "0123", "0123456789abcdef0123456789abcdeX", "0123456789abcdef0123456789abcdef0123456789"}) {
        std::ofstream(file_, std::ios::trunc) << text;
        const auto read = load_or_make_master_key(file_);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().find("0123"), std::string::npos) << "the words hold digits of the key";
        std::ifstream file(file_);
        std::string kept;
        std::getline(file, kept);
        EXPECT_EQ(kept, text);
    }
}

TEST_F(MasterKeyTest, WhereNoneCanBeMadeOrNoneIsWantedThatIsSaid) {
    // A mistyped path makes a second key, and every sealed command is refused.
    EXPECT_FALSE(load_or_make_master_key(folder_ / "none" / "prewatt.key"));
    EXPECT_FALSE(load_master_key(file_));
    EXPECT_FALSE(std::filesystem::exists(file_));
    ASSERT_TRUE(load_or_make_master_key(file_));
    EXPECT_TRUE(load_master_key(file_));
}

TEST_F(MasterKeyTest, AFileThatOthersCanReadIsSaid) {
    // Everybody on the machine can switch every room.
    std::ofstream(file_) << "000102030405060708090A0b0c0d0e0f\n";
    ::chmod(file_.c_str(), 0644);
    const auto read = load_or_make_master_key(file_);
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->open_to_all);
    EXPECT_EQ(read->key[10], 0x0A);
}

}  // namespace
}  // namespace prewatt::card
