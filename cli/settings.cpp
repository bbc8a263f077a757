#include "cli/settings.hpp"

#include <algorithm>
#include <cstdio>
#include <expected>
#include <map>
#include <memory>

#include "base/bcd.hpp"
#include "base/crc.hpp"
#include "card/openssl/master_key_file.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/seal.hpp"
#include "cli/bus_client.hpp"
#include "cli/meter_name.hpp"
#include "cli/office_client.hpp"
#include "cli/output.hpp"
#include "cli/setting_words.hpp"
#include "protocols/dlt645/private_items.hpp"

namespace prewatt::cli {
namespace {

using settings::SettingKey;

struct Target {
    MeterName meter;
    std::uint64_t box = 0;
    std::uint8_t household = 0;
};

struct Opened {
    Target target;
    BusClient bus;
};
// Says what is wrong and gives the exit code as the error.
std::expected<Opened, int> open(const SettingsOptions& options) {
    const auto meter = parse_meter(options.meter);
    const auto box = meter ? box_of(meter->address) : std::nullopt;
    if (!meter || !box || meter->all_households || !is_bcd(meter->address.bytes[0]))
        return std::unexpected(fail(ExitCode::kWrongUse, "'" + options.meter + "' names no meter with settings",
                                    "2026000017:12 (household 12) or 2026000017 (the box)"));
    if (options.tries < 1 || options.tries > 100)
        return std::unexpected(fail(ExitCode::kWrongUse, "--tries is 1 to 100"));
    auto bus = BusClient::open({options.bus, options.speed, options.tries, {}});
    if (!bus) {
        const bool wrong = bus.error() == BusError::kWrongName;
        return std::unexpected(fail(wrong ? ExitCode::kWrongUse : ExitCode::kNotReachable, BusClient::why(),
                                    "--bus tcp://host:port for a serial gateway, --bus /dev/ttyUSB0 for an adapter"));
    }
    return Opened{{*meter, *box, static_cast<std::uint8_t>(from_bcd(meter->address.bytes[0]))}, std::move(*bus)};
}

std::expected<std::vector<Byte>, BusError> read_setting(BusClient& bus, const Target& target, SettingKey key) {
    auto data = bus.read(target.meter.address, dlt645::setting_item(static_cast<std::uint8_t>(key.id), key.index), {},
                         dlt645::kDataSizeMax);
    if (!data) return data;
    if (data->empty() || data->front() != 1) return std::unexpected(BusError::kDamaged);
    data->erase(data->begin());
    const auto& fields = fields_of(key.id);
    if (data->size() != fields.back().offset + fields.back().width) return std::unexpected(BusError::kDamaged);
    return data;
}

bool is_factory(SettingKey key, Bytes bytes) {
    static const auto factory = std::make_unique<settings::Settings>();
    std::array<Byte, settings::kSettingBytesMax> made{};
    const std::size_t size = settings::encode(*factory, key, made);
    return equal(bytes, {made.data(), size});
}

int complain_or_none(const BusClient& bus, BusError error, const std::string& meter) {
    if (error == BusError::kRefused)
        return fail(ExitCode::kRefused, meter + " has no such settings: no such household, or older firmware");
    return complain(bus, error, meter);
}

// --- set

struct Change {
    std::vector<Byte> before;
    std::vector<Byte> after;
};

using Values = std::vector<std::pair<std::string, std::string>>;
std::expected<Values, std::string> values_of(const SettingsSetOptions& options) {
    Values values;
    if (!options.file.empty()) {
        auto file = flatten_toml(options.file);
        if (!file) return file;
        values = std::move(*file);
    }
    for (const std::string& text : options.values) {
        const std::size_t at = text.find('=');
        if (at == std::string::npos || at == 0)
            return std::unexpected("'" + text + "' is no NAME=VALUE, as in load.milliamperes=16000");
        values.emplace_back(text.substr(0, at), text.substr(at + 1));
    }
    if (values.empty()) return std::unexpected("nothing to set: give NAME=VALUE, or --file FILE.toml");
    return values;
}

// Sends one sealed command; the result, or why there was none.
class Sender {
  public:
    Sender(BusClient& bus, const Target& target, const card::Key& master, std::uint32_t who, std::uint32_t counter)
        : bus_(bus), target_(target), keys_(card::diversify(mac_, master, target.box)), who_(who), counter_(counter) {}

    std::expected<card::Result, BusError> send(const card::Command& command) {
        const card::Request request{who_, counter_++, target_.household, command};
        const auto sealed = card::seal_request(mac_, keys_, target_.box, request);
        const auto reply = bus_.ask(target_.meter.address, dlt645::request(dlt645::Function::kSecurity),
                                    {sealed.data(), sealed.size()}, 80);
        if (!reply) return std::unexpected(reply.error());
        const auto answer = card::unseal_answer(mac_, keys_, target_.box, request, reply->bytes());
        if (!answer) return std::unexpected(BusError::kDamaged);
        return answer->result;
    }
    std::expected<card::Result, BusError> set(SettingKey key, const std::vector<Byte>& bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += card::kSettingPartMax) {
            card::StageSetting stage;
            stage.setting = key.id;
            stage.index = key.index;
            stage.offset = static_cast<std::uint8_t>(at);
            for (std::size_t k = at; k < std::min(bytes.size(), at + card::kSettingPartMax); ++k)
                stage.part.push_back(bytes[k]);
            const auto done = send(stage);
            if (!done || *done != card::Result::kDone) return done;
        }
        return send(card::CommitSetting{key.id, key.index, static_cast<std::uint8_t>(bytes.size()), crc32(bytes)});
    }

  private:
    BusClient& bus_;
    const Target& target_;
    card::OpensslMac mac_;
    card::BoxKeys keys_;
    std::uint32_t who_;
    std::uint32_t counter_;
};

std::string words_of(card::Result result) {
    switch (result) {
        case card::Result::kDone:
            return "done";
        case card::Result::kOldCounter:
            return "its command counter is higher: give --counter";
        case card::Result::kNotStored:
            return "its memory has no room for it, or does not take it";
        case card::Result::kNotSupported:
            return "its firmware does not know this command";
        case card::Result::kNoHousehold:
            return "it has no such household";
        default:
            return "it finds the value not legal (result " + std::to_string(static_cast<int>(result)) + ")";
    }
}

}  // namespace

int run(const SettingsShowOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "-o is table, json or csv, not '" + options.output + "'");
    auto opened = open(options);
    if (!opened) return opened.error();
    auto& [target, bus] = *opened;
    Table table{"settings", {{"name", "name"}, {"value", "value"}, {"range", "range"}}, {}};
    for (int id = 0; id < 0x20; ++id) {
        for (std::uint8_t index = 0;; ++index) {
            const SettingKey key{static_cast<settings::SettingId>(id), target.household, index};
            if (!settings::exists(key, kHouseholdsMax)) break;
            const auto bytes = read_setting(bus, target, key);
            if (!bytes) return complain_or_none(bus, bytes.error(), options.meter);
            const bool plain = key.id == settings::SettingId::kHouseholdPlan ||
                               key.id == settings::SettingId::kLoadLimit ||
                               key.id == settings::SettingId::kHoardingLimit || key.id == settings::SettingId::kGeneral;
            if (!options.all && !plain && is_factory(key, *bytes)) continue;
            for (const SettingField& field : fields_of(key.id))
                table.rows.push_back({name_of(key) + "." + field.name, text_of(field, *bytes), range_of(field)});
        }
    }
    print(table, *format);
    return code(ExitCode::kDone);
}

int run(const SettingsSetOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "-o is table, json or csv, not '" + options.output + "'");
    const auto values = values_of(options);
    if (!values) return fail(ExitCode::kWrongUse, values.error());
    const auto meter = parse_meter(options.meter);
    // What can be said without the meter is said before the line is opened.
    const std::uint8_t household =
        meter && is_bcd(meter->address.bytes[0]) ? static_cast<std::uint8_t>(from_bcd(meter->address.bytes[0])) : 0;
    std::vector<FieldName> names;
    for (const auto& [name, value] : *values) {
        const auto found = find_setting(name, household);
        if (!found) return fail(ExitCode::kWrongUse, found.error());
        std::array<Byte, settings::kSettingBytesMax> scratch{};
        if (const auto put = put_text(*found->field, name, value, scratch); !put)
            return fail(ExitCode::kWrongUse, put.error());
        names.push_back(*found);
    }
    if (options.key.empty() && !options.dry_run)
        return fail(ExitCode::kWrongUse, "a change needs --key FILE", "--dry-run says what would change");
    std::optional<card::MasterKey> master;
    if (!options.key.empty()) {
        const auto key = card::load_master_key(options.key);
        if (!key) return fail(ExitCode::kNotFound, key.error());
        master = *key;
    }
    auto opened = open(options);
    if (!opened) return opened.error();
    auto& [target, bus] = *opened;

    std::vector<std::pair<SettingKey, Change>> changes;
    for (std::size_t k = 0; k < names.size(); ++k) {
        const SettingKey key = names[k].key;
        auto known = std::find_if(changes.begin(), changes.end(), [&](const auto& c) { return c.first == key; });
        if (known == changes.end()) {
            const auto bytes = read_setting(bus, target, key);
            if (!bytes) return complain_or_none(bus, bytes.error(), options.meter);
            changes.push_back({key, {*bytes, *bytes}});
            known = changes.end() - 1;
        }
        (void)put_text(*names[k].field, (*values)[k].first, (*values)[k].second, known->second.after);
    }
    Table table{"changes", {{"name", "name"}, {"from", "from"}, {"to", "to"}}, {}};
    for (const auto& [key, change] : changes) {
        if (const auto legal = settings::check(key, change.after, kHouseholdsMax); !legal)
            return fail(ExitCode::kWrongUse,
                        "the values of " + name_of(key) +
                            " do not go together (an order of times or limits, or a from above its "
                            "to); nothing was sent",
                        "prewatt settings show " + options.meter + " --bus " + options.bus + " --all");
        for (const SettingField& field : fields_of(key.id)) {
            const std::string from = text_of(field, change.before);
            const std::string to = text_of(field, change.after);
            if (from != to) table.rows.push_back({name_of(key) + "." + field.name, from, to});
        }
    }
    std::erase_if(changes, [](const auto& c) { return c.second.before == c.second.after; });
    print(table, *format);
    if (changes.empty()) {
        std::fprintf(stderr, "prewatt: %s is set so already\n", options.meter.c_str());
        return code(ExitCode::kDone);
    }
    if (options.dry_run) {
        std::fprintf(stderr, "prewatt: nothing was sent\n");
        return code(ExitCode::kDone);
    }
    if (const ExitCode answer = confirm("Set this in " + options.meter + "?", options.yes); answer != ExitCode::kDone)
        return code(answer);

    std::uint32_t counter = options.counter;
    if (counter == 0) {
        dlt645::Address box = target.meter.address;
        box.bytes[0] = 0;
        const auto data = bus.read(box, dlt645::kBoxStatus, {}, 60);
        if (!data) return complain(bus, data.error(), options.meter);
        const auto status = dlt645::decode_box_status(*data);
        if (!status) return complain(bus, BusError::kDamaged, options.meter);
        counter = status->command_counter + 1;
    }
    Sender sender(bus, target, master->key, options.operator_number, counter);
    int committed = 0;
    const auto half_way = [&](int exit) { return committed == 0 ? exit : code(ExitCode::kPartlyFailed); };
    for (const auto& [key, change] : changes) {
        const auto done = sender.set(key, change.after);
        if (!done && done.error() == BusError::kRefused)
            return half_way(fail(ExitCode::kRefused, options.meter + " does not accept this key"));
        if (!done) return half_way(complain(bus, done.error(), options.meter));
        if (*done != card::Result::kDone)
            return half_way(
                fail(ExitCode::kRefused, options.meter + " refuses " + name_of(key) + ": " + words_of(*done)));
        ++committed;
    }
    for (const auto& [key, change] : changes) {
        const auto now = read_setting(bus, target, key);
        if (!now) return complain_or_none(bus, now.error(), options.meter);
        if (*now != change.after)
            return fail(ExitCode::kRefused, name_of(key) + " was accepted, but the meter does not show it");
    }
    std::fprintf(stderr, "prewatt: %d setting%s of %s confirmed\n", committed, committed == 1 ? "" : "s",
                 options.meter.c_str());
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli
