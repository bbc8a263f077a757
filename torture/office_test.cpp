#include "torture/office.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "torture/child.hpp"

namespace prewatt::torture {
namespace {

OfficeReport run(OfficeOptions options) {
    options.program = PREWATT_PROGRAM;
    const auto report = torture_office(options);
    EXPECT_TRUE(report) << (report ? "" : report.error().words);
    return report ? *report : OfficeReport{};
}

std::string all_of(const OfficeReport& report) {
    std::string text;
    for (const std::string& finding : report.findings)
        text += finding + "\n";
    return text;
}

// Processes whose command line names this.
int processes_with(const std::string& words) {
    int count = 0;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        std::ifstream file(entry.path() / "cmdline", std::ios::binary);
        const std::string line((std::istreambuf_iterator<char>(file)), {});
        if (line.find(words) != std::string::npos) ++count;
    }
    return count;
}

// Each defect behind --planted-defect must be found within so many kills, by the finding that is its own. A kill that
// comes at a harmless instant finds nothing, and a busy machine has fewer of the others: four rounds at most.
void expect_found(const std::string& defect, int kills, const std::string& finding) {
    std::string found;
    for (std::uint64_t round = 0; round < 4 && found.find(finding) == std::string::npos; ++round)
        found += all_of(run({.kills = kills, .seed = 5 + round, .scenes = false, .planted = defect}));
    EXPECT_NE(found.find(finding), std::string::npos)
        << "not found within four rounds of " << kills << " kills; what was found: " << found;
}

TEST(TortureFinds, SaleThatIsAnsweredBeforeItIsCommitted) {
    // A torture that kills at harmless instants only finds nothing and proves nothing.
    expect_found("answer-before-commit", 15, "lost: ");
}

TEST(TortureFinds, OrderIdThatIsForgotten) {
    expect_found("forget-orders", 5, "doubled: ");
}

TEST(TortureFinds, BookingThatIsCommittedBeforeItsEntries) {
    expect_found("entries-later", 15, "ledger: ");
}

TEST(TortureFinds, CommandCountersThatGoBack) {
    expect_found("counters-go-back", 80, "lost: the command counter");
}

TEST(TortureItself, StopsEverythingItStartedWhenItIsStopped) {
    // Somebody presses Ctrl-C, and an office and a building go on living on the machine.
    TemporaryFolder folder("prewatt-torture-test");
    setenv("TMPDIR", folder.path().c_str(), 1);  // of this process alone: one test, one process
    Child torture({PREWATT_PROGRAM, "torture", "office", "--kills", "100000"}, {.log = folder.path() / "log"});
    const auto parts = [&] {
        std::error_code ignored;
        return std::distance(std::filesystem::directory_iterator(folder.path(), ignored), {});
    };
    for (int k = 0; k < 500 && parts() < 2; ++k)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    const std::string inside = folder.path().string() + "/prewatt-torture-";
    EXPECT_GE(processes_with(inside), 1) << "it has begun";
    torture.ask_to_stop();
    const auto end = torture.wait_for_end(std::chrono::seconds(30));
    ASSERT_TRUE(end);
    EXPECT_EQ(end->code, 130) << torture.last_words();
    EXPECT_EQ(processes_with(inside), 0);
    EXPECT_EQ(parts(), 1) << "only the log is left";
}

}  // namespace
}  // namespace prewatt::torture
