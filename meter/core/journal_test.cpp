#include "meter/core/journal.hpp"

#include <gtest/gtest.h>

#include "base/crc.hpp"
#include "meter/core/clear.hpp"
#include "meter/core/fake_storage.hpp"
#include "meter/core/golden_storage.hpp"

namespace prewatt::meter {
namespace {

constexpr JournalIdentity kIdentity{2'026'000'001, 2, 12};

HouseholdBook sample_book() {
    HouseholdBook book;
    book.account.epoch = 3;
    book.account.ticket_number = 17;
    book.account.credited = credit_of_hundredths(-1234);
    book.account.used = Credit{987'654'321'012};
    book.account.levels = {1000, 500, 4'000'000'000u};
    book.account.cutoff = CutoffStage::kGiven;
    book.account.previous_epoch = 2;
    book.account.previous_used = Credit{-5};
    book.account.previous_credited = credit_of_hundredths(7777);
    book.account.reverse_at_opening = Energy{44};
    book.remote_off = true;
    book.forced = {HoldSet{0x0041}, 90, 800'000'000};
    book.forward = Energy{123'456'789'012};
    book.reverse = Energy{9'876};
    return book;
}
BoxBook sample_box() {
    BoxBook box;
    box.boots = 5;
    box.versions_reserved = 0x20001;
    box.last_command = {42, 0xDEADBEEF, 3};
    box.pulse_constant = 5000;
    return box;
}

void put_sample(Journal& journal, Books& books) {
    Entry entry;
    entry.put(sample_box());
    entry.put({7}, sample_book());
    ASSERT_TRUE(journal.commit(entry, books));
    books.box = sample_box();
    books.households[6] = sample_book();
}

TEST(Journal, FindsEverythingAgain) {
    // After a thunderstorm every account starts from nothing.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    put_sample(journal, books);
    Books found;
    Journal again(storage);
    ASSERT_EQ(again.open(kIdentity, found), OpenResult::kRecovered);
    EXPECT_TRUE(found == books);
    EXPECT_TRUE(again.is_sound());
}

TEST(Journal, MovesToTheOtherBankWhenOneIsFullAndKeepsAll) {
    // After a week the memory is full and nothing is saved any more.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    const std::uint32_t first = journal.generation();
    put_sample(journal, books);
    for (int k = 0; k < 2000; ++k) {
        HouseholdBook& book = books.households[static_cast<std::size_t>(k % 12)];
        const Books before = books;
        book.forward += Energy{27'000};
        Entry entry;
        entry.put_energy({static_cast<std::uint8_t>(1 + k % 12)}, book);
        ASSERT_TRUE(journal.commit(entry, before));
    }
    EXPECT_GT(journal.generation(), first + 6);
    Books found;
    Journal again(storage);
    ASSERT_EQ(again.open(kIdentity, found), OpenResult::kRecovered);
    EXPECT_TRUE(found == books);
}

TEST(Journal, RefusesMemoryOfAnotherBoxOrOfNewerFirmwareAndWritesNothing) {
    // A board is swapped between two boxes, and the accounts of thirty-nine families change hands.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    const std::vector<Byte> image = storage.bytes();
    for (const JournalIdentity& other :
         {JournalIdentity{2'026'000'002, 2, 12}, JournalIdentity{2'026'000'001, 0, 39}}) {
        Journal stranger(storage);
        EXPECT_EQ(stranger.open(other, books), OpenResult::kForeign);
        Entry entry;
        entry.put(sample_box());
        EXPECT_FALSE(stranger.commit(entry, books));
        EXPECT_EQ(storage.bytes(), image);
    }
    for (const std::size_t start : {std::size_t{0}, std::size_t{8 * 1024}}) {
        std::vector<Byte> newer = image;
        newer[start + 4] = Journal::kFormat + 1;
        const std::uint32_t sum = crc32(Bytes(newer).subspan(start, 20));
        for (std::size_t k = 0; k < 4; ++k)
            newer[start + 20 + k] = static_cast<Byte>(sum >> (8 * k));
        storage.bytes() = newer;
        Journal older(storage);
        EXPECT_EQ(older.open(kIdentity, books), OpenResult::kNewerFormat);
        EXPECT_EQ(storage.bytes(), newer);
    }
}

TEST(Journal, MemoryWhoseHeadersAreGoneIsNotTakenForANewOne) {
    // A spike wipes two headers, the box starts "fresh", and every used kilowatt-hour is given back.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    storage.bytes()[0] ^= 1;
    storage.bytes()[8 * 1024] ^= 1;
    const std::vector<Byte> image = storage.bytes();
    Journal again(storage);
    EXPECT_EQ(again.open(kIdentity, books), OpenResult::kUnreadable);
    EXPECT_EQ(storage.bytes(), image);
    FakeStorage silent(16 * 1024, FakeStorage::Faults{.read_fails = true});
    EXPECT_EQ(Journal(silent).open(kIdentity, books), OpenResult::kUnreadable);
    FakeStorage small(8 * 1024);
    EXPECT_EQ(Journal(small).open(kIdentity, books), OpenResult::kUnreadable);
}

TEST(Journal, DamagedEntryInTheMiddleCostsItselfOnlyAndIsReported) {
    // One cell loses a bit after eight years, and everything since then is forgotten in silence.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    const std::uint32_t bank = 8 * 1024;
    const std::uint32_t at = bank + bank - journal.bytes_free();
    for (int k = 1; k <= 3; ++k) {
        HouseholdBook book;
        book.forward = Energy{1000 * k};
        Entry entry;
        entry.put_energy({static_cast<std::uint8_t>(k)}, book);
        ASSERT_TRUE(journal.commit(entry, books));
    }
    storage.bytes()[at + Entry::kEnergyRecord + 6 + 5] ^= 0x10;  // in the second of the three
    Books found;
    Journal again(storage);
    ASSERT_EQ(again.open(kIdentity, found), OpenResult::kRecovered);
    EXPECT_EQ(found.households[0].forward, Energy{1000});
    EXPECT_EQ(found.households[1].forward, Energy{});
    EXPECT_EQ(found.households[2].forward, Energy{3000});
    EXPECT_FALSE(again.is_sound());
    Entry entry;
    entry.put(found.box);
    EXPECT_TRUE(again.commit(entry, found)) << "it goes on in the other bank";
    EXPECT_TRUE(again.is_sound());
}

TEST(Journal, DeadMemoryRefusesAndIsSoundAgainWhenItAnswers) {
    // A ticket is answered "done" while nothing is stored.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    storage.power_up({.fail_at_write = 0, .fail_writes = 1'000});
    {
        Entry entry;
        entry.put({7}, sample_book());
        EXPECT_FALSE(journal.commit(entry, books));
    }
    EXPECT_FALSE(journal.is_sound());
    storage.power_up();
    put_sample(journal, books);
    EXPECT_TRUE(journal.is_sound());
    Books found;
    Journal again(storage);
    ASSERT_EQ(again.open(kIdentity, found), OpenResult::kRecovered);
    EXPECT_TRUE(found == books);
}

TEST(Journal, ReadsTheGoldenImageOfVersionOne) {
    // New firmware cannot read what the old one has stored, and a whole campus loses its credit on one night.
    FakeStorage storage(16 * 1024);
    std::copy(std::begin(golden::kStorageBank1), std::end(golden::kStorageBank1), storage.bytes().begin() + 8 * 1024);
    Books found;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, found), OpenResult::kRecovered);
    EXPECT_EQ(found.box, sample_box());
    EXPECT_EQ(found.households[6], sample_book());
    EXPECT_EQ(found.households[5], HouseholdBook{});
    EXPECT_EQ(journal.generation(), 2u);
}

TEST(Journal, MemoryOfAnOlderVersionGoesOverWithItsFirstCommit) {
    // New firmware appends what the old one cannot read to the old one's bank; a technician goes back to the old
    // firmware, and it takes the new entries for damage.
    for (const int version : {1, 2}) {
        SCOPED_TRACE(version);
        FakeStorage storage(16 * 1024);
        if (version == 1)
            std::copy(std::begin(golden::kStorageBank1), std::end(golden::kStorageBank1),
                      storage.bytes().begin() + 8 * 1024);
        else
            std::copy(std::begin(golden::kStorageBank1Version2), std::end(golden::kStorageBank1Version2),
                      storage.bytes().begin() + 8 * 1024);
        const std::vector<Byte> image = storage.bytes();
        Books books;
        Journal journal(storage);
        ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kRecovered);
        EXPECT_EQ(storage.bytes(), image) << "reading writes nothing";
        Entry entry;
        entry.put_session(9);
        ASSERT_TRUE(journal.commit(entry, books));
        books.box.session = 9;
        EXPECT_EQ(storage.bytes()[4], 3) << "version of bank 0";
        EXPECT_TRUE(std::equal(image.begin() + 8 * 1024, image.end(), storage.bytes().begin() + 8 * 1024));
        Books found;
        Journal again(storage);
        ASSERT_EQ(again.open(kIdentity, found), OpenResult::kRecovered);
        EXPECT_TRUE(found == books);
        EXPECT_EQ(again.generation(), 3u);
    }
}

// What version 2 knows beside.
HouseholdBook sample_book_of_version_2() {
    HouseholdBook book = sample_book();
    book.account.unit = settings::AccountUnit::kMoney;
    book.waiting.set(Hold::kNoCredit, true);
    book.mark = {9, 0xFEDCBA98, 77};
    book.tariff = {{{323, Energy{5'000'000'000}}, {322, Energy{6'000'000'000}}}, 9999};
    book.guards.load = {LoadStage::kCut, 4, 13};
    book.guards.malignant.stage = MalignantStage::kLockedOut;
    book.guards.malignant.restores_used = 5;
    book.guards.malignant.day = 9822;
    book.guards.malignant.signature = {30'992, -120};
    book.guards.malignant.delay_seconds = 5760;
    book.guards.malignant.shape = StepShape::kHalfWave;
    book.guards.last_cut.because.set(Hold::kMalignant, true);
    book.guards.last_cut.at = 848'000'000;
    book.guards.last_cut.watts = 1500;
    book.guards.last_cut.shape = StepShape::kHalfWave;
    book.guards.last_cut.rule = MalignantRule::kHalfWave;
    book.guards.last_cut.power_factor_ten_thousandths = 9987;
    book.guards.locked_since = 848'000'001;
    book.learn = {2, 120, 849'000'000};
    return book;
}
BoxBook sample_box_of_version_2() {
    BoxBook box = sample_box();
    box.session = 9;
    box.clock = {848'000'000, 848'500'000, -120, 9820, -35, 2};
    box.clock_moved = 0xFFFFFF88;
    return box;
}

TEST(Journal, ReadsTheGoldenImageOfVersionTwo) {
    // The next firmware forgets who was locked out, or charges a month again.
    FakeStorage storage(16 * 1024);
    std::copy(std::begin(golden::kStorageBank1Version2), std::end(golden::kStorageBank1Version2),
              storage.bytes().begin() + 8 * 1024);
    Books found;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, found), OpenResult::kRecovered);
    EXPECT_EQ(found.box, sample_box_of_version_2());
    EXPECT_EQ(found.households[6], sample_book_of_version_2());
    EXPECT_EQ(found.households[5], HouseholdBook{});
    settings::Settings expected;
    expected.households[11].load.milliamperes = 16'000;
    EXPECT_TRUE(found.settings == expected);
}

// What version 3 knows beside: cards.
HouseholdBook sample_book_of_version_3() {
    HouseholdBook book = sample_book_of_version_2();
    book.card = {3, 2, 41, 40, 1701, 12};
    return book;
}
BoxBook sample_box_of_version_3() {
    BoxBook box = sample_box_of_version_2();
    box.cards.right_sequence = 77;
    box.cards.bad_cards = 9;
    box.cards.attempts = {CardAttempts{2, 848'000'000}, CardAttempts{3, 848'500'000}};
    return box;
}

TEST(Journal, ReadsTheGoldenImageOfVersionThree) {
    // The next firmware takes a card that was reported as lost, or carries out a clear card again.
    FakeStorage storage(16 * 1024);
    std::copy(std::begin(golden::kStorageBank1Version3), std::end(golden::kStorageBank1Version3),
              storage.bytes().begin() + 8 * 1024);
    Books found;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, found), OpenResult::kRecovered);
    EXPECT_EQ(found.box, sample_box_of_version_3());
    EXPECT_EQ(found.households[6], sample_book_of_version_3());
    HouseholdBook levels;
    levels.account.levels = {1500, 700, 30};
    EXPECT_EQ(found.households[2], levels);
    EXPECT_EQ(found.households[5], HouseholdBook{});
}

TEST(Journal, WritesTheGoldenImageOfVersionThreeByteForByte) {
    // The page of the format and the code part company.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    Entry entry;
    entry.put(sample_box());
    entry.put({7}, sample_book_of_version_2());
    entry.put_guards({7}, sample_book_of_version_2());
    entry.put_learn({7}, sample_book_of_version_2());
    ASSERT_TRUE(journal.commit(entry, books));
    settings::Settings wanted;
    wanted.households[11].load.milliamperes = 16'000;
    const settings::SettingKey key{settings::SettingId::kLoadLimit, 12, 0};
    std::array<Byte, settings::kSettingBytesMax> value;
    Entry second;
    second.put_session(9);
    second.put_clock(sample_box_of_version_2());
    second.put_setting(key, {value.data(), settings::encode(wanted, key, value)});
    ASSERT_TRUE(journal.commit(second, books));
    Entry third;
    third.put_card({7}, sample_book_of_version_3());
    third.put_cards(sample_box_of_version_3());
    third.put_levels({3}, {1500, 700, 30});
    ASSERT_TRUE(journal.commit(third, books));
    for (std::size_t k = 0; k < std::size(golden::kStorageBank1Version3); ++k)
        ASSERT_EQ(storage.bytes()[8 * 1024 + k], golden::kStorageBank1Version3[k]) << "at byte " << k << " of bank 1";
}

TEST(Journal, ASnapshotKeepsWhatIsKnownOfCards) {
    // The memory is full one night, and with the next bank every lost card is good again.
    FakeStorage storage(16 * 1024);
    Books books;
    books.box = sample_box_of_version_3();
    books.households[6] = sample_book_of_version_3();
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    ASSERT_TRUE(journal.change(books));
    Books found;
    Journal again(storage);
    ASSERT_EQ(again.open(kIdentity, found), OpenResult::kRecovered);
    EXPECT_TRUE(found == books);
}

settings::Settings some_settings() {
    settings::Settings all;
    all.general.page_seconds = 7;
    all.malignant[2].restore_seconds = 600;
    all.days[7].count = 2;
    all.days[7].periods[1] = {1320, 2, settings::SupplyMode::kOff};
    all.households[11].load.milliamperes = 16'000;
    all.households[0].permitted[3] = {4132, 5, 30, 900'000'000};
    return all;
}

TEST(Journal, SettingsOutliveRestartsAndMovesToTheOtherBank) {
    // A limit that was set in September is gone after the first thunderstorm, or when the memory has gone round once.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    const settings::Settings wanted = some_settings();
    for (auto key = settings::next({}, 12); key; key = settings::next(*key, 12)) {
        std::array<Byte, settings::kSettingBytesMax> value;
        const std::size_t size = settings::encode(wanted, *key, value);
        Entry entry;
        entry.put_setting(*key, {value.data(), size});
        ASSERT_TRUE(journal.commit(entry, books));
        ASSERT_TRUE(settings::decode(books.settings, *key, {value.data(), size}, 12));
    }
    for (int round = 0; round < 3; ++round) {
        Books found;
        Journal again(storage);
        ASSERT_EQ(again.open(kIdentity, found), OpenResult::kRecovered);
        ASSERT_TRUE(found.settings == wanted);
        for (int k = 0; k < 300; ++k) {
            Entry entry;
            entry.put_energy({1}, found.households[0]);
            ASSERT_TRUE(again.commit(entry, found));
        }
    }
    EXPECT_GT(journal.generation(), 0u);
}

TEST(Journal, SettingsThatWouldFillTheMemoryForEverAreRefusedBefore) {
    // The last holiday page fits the bank and the next snapshot does not: from then on nothing can be stored any more.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open({2'026'000'001, 0, 39}, books), OpenResult::kFresh);
    bool refused = false;
    for (auto key = settings::next({}, 39); key && !refused; key = settings::next(*key, 39)) {
        // One bit differs from the factory value: a whole record each.
        settings::Settings other;
        other.general.freeze_day = 2;
        for (settings::MalignantProfile& profile : other.malignant)
            profile.restores_per_day = 6;
        for (settings::DayTable& day : other.days)
            day.periods[0].rate = 2;
        for (settings::WeekPlan& week : other.weeks)
            week.warning_minutes = 11;
        for (settings::HolidayPage& page : other.holidays)
            page.days[0] = {0, 1, 1, 2};
        for (settings::PriceSet& price : other.prices)
            price.rates[0] = 5000;
        for (settings::HouseholdSettings& household : other.households) {
            household.plan.limited_watts = 900;
            household.load.cuts_max = 5;
            for (settings::PermittedAppliance& appliance : household.permitted)
                appliance.conductance_microsiemens = 4000;
        }
        std::array<Byte, settings::kSettingBytesMax> value;
        const std::size_t size = settings::encode(other, *key, value);
        if (!journal.has_room_for(*key, size, books)) {
            refused = true;
            break;
        }
        Entry entry;
        entry.put_setting(*key, {value.data(), size});
        ASSERT_TRUE(journal.commit(entry, books));
        ASSERT_TRUE(settings::decode(books.settings, *key, {value.data(), size}, 39));
    }
    EXPECT_TRUE(refused) << "a memory of 16 KiB cannot hold every setting of 39 households";
    const std::uint32_t generation = journal.generation();
    for (int k = 0; k < 400; ++k) {
        Entry entry;
        entry.put({39}, sample_book());
        ASSERT_TRUE(journal.commit(entry, books)) << "what was taken must leave room to work";
    }
    EXPECT_GT(journal.generation(), generation);
}

TEST(Journal, ClearOfTheWholeBoxIsOneRecordAndLeavesSettingsAndMarks) {
    // The supply goes while a box is cleared, and half of the building starts from nothing.
    FakeStorage storage(16 * 1024);
    Books books;
    Journal journal(storage);
    ASSERT_EQ(journal.open(kIdentity, books), OpenResult::kFresh);
    put_sample(journal, books);
    Entry entry;
    entry.put_clear_all();
    ASSERT_TRUE(journal.commit(entry, books));
    Books found;
    Journal again(storage);
    ASSERT_EQ(again.open(kIdentity, found), OpenResult::kRecovered);
    HouseholdBook left = sample_book();
    clear(left);
    EXPECT_EQ(found.households[6], left);
    EXPECT_EQ(left.forward, Energy{});
    EXPECT_FALSE(left.account.is_open());
    EXPECT_EQ(left.account.previous_epoch, sample_book().account.epoch);
    EXPECT_EQ(left.account.previous_used, sample_book().account.used);
    EXPECT_EQ(left.account.levels, sample_book().account.levels);
    EXPECT_EQ(left.mark, sample_book().mark);
}

}  // namespace
}  // namespace prewatt::meter
