#include "cli/card.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/card_office.hpp"
#include "cli/card_warrants.hpp"
#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;
namespace desk = card::desk;

// "c101ff": without the spaces that a frame is shown with.
std::string digits_of(const Byte* bytes, std::size_t size) {
    std::string text = hex_of(bytes, size);
    std::erase(text, ' ');
    return text;
}
std::unexpected<OfficeFailure> failed(ExitCode exit, std::string what, std::string what_to_try = {}) {
    return std::unexpected(OfficeFailure{exit, std::move(what), std::move(what_to_try), 0, {}});
}

// Money and energy have two places both.
std::string amount(const json& hundredths, const std::string& unit) {
    return decimal(hundredths.get<std::int64_t>()) + (unit == "fen" ? " yuan" : " kWh");
}
std::string age(const json& at, std::int64_t now_ms) {
    if (at.is_null()) return "at a time that is not known";
    const std::int64_t min = (now_ms - at.get<std::int64_t>()) / 60'000;
    if (min < 2) return "just now";
    if (min < 120) return std::to_string(min) + " minutes ago";
    if (min < 2 * 24 * 60) return std::to_string(min / 60) + " hours ago";
    return std::to_string(min / (24 * 60)) + " days ago";
}
std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string words_of_finding(const std::string& finding, const json& card) {
    if (!card.is_null() && card["kind"] != "household" && finding == "unfinished")
        return "it was torn away while it was written: `prewatt card repair` completes it";
    if (finding == "up_to_date") return "in order";
    if (finding == "behind") return "the books have a newer ticket: `prewatt card repair` writes it";
    if (finding == "unfinished") return "a write was broken off: `prewatt card repair` completes it";
    if (finding == "moved") return "the household has another box by now: `prewatt card repair` seals the card anew";
    if (finding == "revoked")
        return "dead (" + card["state"].get<std::string>() + "): nothing is written onto it, no meter takes it";
    if (finding == "unknown")
        return "bears our seal, and these books do not know it: restored from an older backup, or another site's";
    return "no card of ours: empty, or another system's";
}

void print_card(const json& card, const json& newest) {
    if (card["kind"] != "household") {
        std::printf("card %lld, %s, %s, number %s\n", static_cast<long long>(card["id"].get<std::int64_t>()),
                    card["kind"].get<std::string>().c_str(), card["state"].get<std::string>().c_str(),
                    card["uid"].get<std::string>().c_str());
        return;
    }
    const std::string unit = card["unit"];
    std::printf("card %lld, room %s, the household's %lld. card, %s, number %s\n",
                static_cast<long long>(card["id"].get<std::int64_t>()), card["room"].get<std::string>().c_str(),
                static_cast<long long>(card["issue"].get<std::int64_t>()), card["state"].get<std::string>().c_str(),
                card["uid"].get<std::string>().c_str());
    const auto ticket = [&](const char* what, const json& value, const std::string& when) {
        if (value.is_null())
            std::printf("  %-9s nothing\n", what);
        else
            std::printf("  %-9s credited %s in all, account %lld, ticket %lld%s\n", what,
                        amount(value["credited"], unit).c_str(), static_cast<long long>(value["epoch"]),
                        static_cast<long long>(value["ticket_number"]), when.c_str());
    };
    ticket("carries", card["carries"],
           card["written_at"].is_null() ? "" : ", written " + age(card["written_at"], now_ms()));
    if (!newest.is_null()) ticket("books", newest, "");
    const json& said = card["said"];
    if (said.is_null()) {
        std::printf("  %-9s nothing yet\n", "came back");
        return;
    }
    std::printf("  %-9s remaining %s, used %s, register %s kWh, ticket %lld, swiped %s\n", "came back",
                amount(said["remaining"], unit).c_str(), amount(said["used"], unit).c_str(),
                decimal(said["forward_ckwh"].get<std::int64_t>()).c_str(),
                static_cast<long long>(said["ticket_number"]), age(said["swiped_at"], now_ms()).c_str());
    std::string hints;
    for (const json& hint : said["hints"])
        hints += (hints.empty() ? "" : ", ") + hint.get<std::string>();
    for (const json& hold : said["holds"])
        hints += (hints.empty() ? "" : ", ") + hold.get<std::string>();
    if (!hints.empty()) std::printf("  %-9s %s\n", "says", hints.c_str());
}

void print_report(const json& report, bool all) {
    const json& card = report["card"];
    std::printf("%s\n", words_of_finding(report["finding"], card).c_str());
    if (report["rolled_back"].get<bool>())
        std::printf("old contents were put onto it, or it is a copy: look at the list of work\n");
    if (!card.is_null()) print_card(card, report["newest"]);
    if (!report["warrant"].is_null()) print_warrant(report["warrant"]);
    if (!all) return;
    const json& sectors = report["sectors"];
    std::printf("  sectors   %lld ours, %lld as from the factory, %lld torn, %lld closed\n",
                static_cast<long long>(sectors["ours"]), static_cast<long long>(sectors["transport"]),
                static_cast<long long>(sectors["torn"]), static_cast<long long>(sectors["closed"]));
    std::printf("  identity  %s\n", report["identity_state"].get<std::string>().c_str());
    for (const char* name : {"tickets", "returns"})
        for (const json& copy : report[name])
            std::printf("  %-9s %s, generation %lld\n", name, copy["state"].get<std::string>().c_str(),
                        static_cast<long long>(copy["generation"]));
}

Table table_of_cards(const json& cards) {
    Table table{"cards",
                {{"id", "Card", true},
                 {"room", "Room"},
                 {"issue", "Issue", true},
                 {"state", "State"},
                 {"uid", "Number"},
                 {"carries", "Carries", true},
                 {"written_at", "Written at, ms", true},
                 {"remaining", "Remaining", true},
                 {"swiped_at", "Swiped at, ms", true},
                 {"write_open", "Write open"},
                 {"why", "Why"}},
                {}};
    for (const json& card : cards) {
        const auto text = [&](const char* name) { return card[name].get<std::string>(); };
        const auto number = [](const json& value) -> Cell {
            return value.is_null() ? Cell{} : Cell{value.get<std::int64_t>()};
        };
        const json& said = card["said"];
        table.rows.push_back(
            {card["id"].get<std::int64_t>(), text("room"), card["issue"].get<std::int64_t>(), text("state"),
             text("uid"),
             card["carries"].is_null() ? Cell{} : Cell{decimal(card["carries"]["credited"].get<std::int64_t>())},
             number(card["written_at"]), said.is_null() ? Cell{} : Cell{decimal(said["remaining"].get<std::int64_t>())},
             said.is_null() ? Cell{} : number(said["swiped_at"]), card["write_open"].get<bool>(), text("why")});
    }
    return table;
}

ExitCode exit_of(desk::Fault fault) {
    switch (fault) {
        case desk::Fault::kNoCard:
            return ExitCode::kNoAnswer;
        case desk::Fault::kReader:
            return ExitCode::kNotReachable;
        default:
            return ExitCode::kRefused;
    }
}

// One run of the command: a client, an office, a place for cards.
class Desk {
  public:
    Desk(const CardOptions& options, OfficeClient client, std::unique_ptr<CardPlace> place,
         std::chrono::milliseconds patience)
        : options_(options), client_(std::move(client)), place_(std::move(place)), patience_(patience) {}

    using Said = std::expected<json, OfficeFailure>;

    Said look(desk::Depth depth) {
        return visit([&](card::M1Reader& reader) -> Said {
            const auto looked = desk::look(reader, office_, depth);
            if (!looked) return failure_of(looked.error());
            return json::parse(looked->report.text);
        });
    }
    Said dump() {
        return visit([&](card::M1Reader& reader) -> Said {
            const auto sight = desk::read_card(reader, office_, desk::Depth::kAll);
            if (!sight) return failure_of(sight.error());
            json sectors = json::array();
            constexpr const char* opens[] = {"ours", "transport", "torn", "none"};
            for (const desk::SectorSight& one : sight->sectors)
                sectors.push_back({{"sector", one.sector},
                                   {"opens", opens[static_cast<int>(one.opens)]},
                                   {"access", one.access ? digits_of(one.access->data(), one.access->size()) : ""},
                                   {"data", one.record ? digits_of(one.record->data(), one.record->size()) : ""}});
            return json{{"uid", text_of(sight->uid)}, {"sectors", std::move(sectors)}};
        });
    }
    Said carry_out(const desk::Order& order) {
        return visit([&](card::M1Reader& reader) -> Said {
            desk::Phase told = desk::Phase::kDone;
            const auto report = desk::carry_out(reader, office_, order, [&](const desk::Moment& moment) {
                if (moment.phase == told) return;
                told = moment.phase;
                constexpr const char* words[] = {"reading", "asking the office", "writing", "verifying", ""};
                if (moment.phase != desk::Phase::kDone)
                    std::fprintf(stderr, "prewatt: %s ...\n", words[static_cast<int>(moment.phase)]);
            });
            if (!report) return failure_of(report.error());
            return json::parse(report->text);
        });
    }

    std::string key(const char* suffix = "") const {
        return (options_.idempotency_key.empty() ? uuid_ : options_.idempotency_key) + suffix;
    }
    const CardOptions& options() const { return options_; }
    const OfficeClient& client() const { return client_; }

  private:
    std::unexpected<OfficeFailure> failure_of(const desk::Failure& failure) const {
        if (failure.fault == desk::Fault::kOffice) {
            OfficeFailure said = office_.failure();
            if (failure.begun) said.what_to_try = "prewatt card repair";
            return std::unexpected(std::move(said));
        }
        return failed(exit_of(failure.fault), sentence_of(failure),
                      failure.begun ? "put the card back, then prewatt card repair" : "");
    }
    template <class What>
    Said visit(What what) {
        Said said = failed(ExitCode::kInternal, "the card was not asked");
        const auto went = place_->visit(patience_, [&](card::M1Reader& reader) { said = what(reader); });
        if (!went) return std::unexpected(went.error());
        return said;
    }

    const CardOptions& options_;
    OfficeClient client_;
    CardOffice office_{client_};
    std::unique_ptr<CardPlace> place_;
    std::chrono::milliseconds patience_;
    std::string uuid_ = make_uuid();
};

using Said = Desk::Said;

// The household's card in use; null: none.
Said live_card(const OfficeClient& client, std::int64_t household) {
    auto list = client.get("/households/" + std::to_string(household) + "/cards?limit=10");
    if (!list) return list;
    for (const json& card : (*list)["cards"])
        if (card["state"] == "issued" || card["state"] == "written") return card;
    return json(nullptr);
}

Said write_ticket(Desk& desk, const char* suffix) {
    return desk.carry_out({desk::OrderKind::kTicket, desk.key(suffix), 0, 0, ""});
}

// A card with rights: agreed upon first, unless it is.
Said issue_rights(Desk& desk) {
    std::int64_t warrant = desk.options().warrant;
    if (warrant == 0) {
        const auto asked = ask_warrant(desk.client(), desk.options(), desk.key());
        if (!asked) return asked;
        warrant = (*asked)["id"].get<std::int64_t>();
    }
    return desk.carry_out({desk::OrderKind::kWarrant, desk.key(".card"), 0, 0, "", warrant});
}

Said issue(Desk& desk) {
    if (desk.options().kind != "household" || desk.options().warrant != 0) return issue_rights(desk);
    if (desk.options().room.empty()) return failed(ExitCode::kWrongUse, "say the room that the card is for");
    const auto household = desk.client().find_household(desk.options().room);
    if (!household) return household;
    const auto id = (*household)["id"].get<std::int64_t>();
    std::int64_t replaces = 0;
    if (desk.options().action == "replace") {
        const auto live = live_card(desk.client(), id);
        if (!live) return live;
        if (live->is_null())
            return failed(ExitCode::kRefused,
                          "room " + (*household)["room"].get<std::string>() + " has no card in use; nothing was done",
                          "prewatt card issue");
        replaces = (*live)["id"].get<std::int64_t>();
        const auto answer =
            confirm("Card " + std::to_string(replaces) + " of room " + (*household)["room"].get<std::string>() +
                        " is dead from now on. Write another one?",
                    desk.options().yes);
        if (answer != ExitCode::kDone) return failed(answer, "nothing was done");
    }
    return desk.carry_out({desk::OrderKind::kIssue, desk.key(), id, replaces, desk.options().reason});
}

// A torn issue is the same order once more; everything else is the newest ticket once more.
Said repair(Desk& desk) {
    auto report = desk.look(desk::Depth::kRecords);
    if (!report) return report;
    const std::string finding = (*report)["finding"];
    const json& card = (*report)["card"];
    if (finding == "up_to_date") return json{{"card", card}};
    if (card.is_null() || finding == "revoked")
        return failed(ExitCode::kRefused, "there is nothing to repair: " + words_of_finding(finding, card));
    if (!(*report)["warrant"].is_null())
        return desk.carry_out(
            {desk::OrderKind::kWarrant, desk.key(), 0, 0, "", (*report)["warrant"]["id"].get<std::int64_t>()});
    if (card["state"] != "issued") return write_ticket(desk, "");
    const auto known = desk.client().get("/cards/" + std::to_string(card["id"].get<std::int64_t>()));
    if (!known) return known;
    for (const json& write : (*known)["writes"])
        if (write["kind"] == "issue")
            return desk.carry_out({desk::OrderKind::kIssue, write["order_id"], card["household_id"],
                                   card["replaces"].is_null() ? 0 : card["replaces"].get<std::int64_t>(), ""});
    return failed(ExitCode::kInternal, "the books hold no order of this card");
}

Said sell(Desk& desk) {
    const auto fen = fen_of(desk.options().yuan);
    if (!fen) return failed(ExitCode::kWrongUse, fen.error());
    // First of all: is this a card that may be written, and whose?
    auto report = desk.look(desk::Depth::kRecords);
    if (!report) return report;
    const json card = (*report)["card"];
    const std::string finding = (*report)["finding"];
    if (card.is_null() || finding == "revoked" || card["state"] != "written" || card["kind"] != "household")
        return failed(ExitCode::kRefused, "nothing was sold: " + words_of_finding(finding, card),
                      card.is_null() ? "prewatt card issue ROOM" : "prewatt card repair, or replace");
    if (!desk.options().room.empty()) {
        const auto household = desk.client().find_household(desk.options().room);
        if (!household) return household;
        if ((*household)["id"] != card["household_id"])
            return failed(ExitCode::kRefused, "this is the card of room " + card["room"].get<std::string>() +
                                                  ", not of " + (*household)["room"].get<std::string>() +
                                                  "; nothing was sold");
    }
    const auto answer = confirm("Sell " + decimal(*fen) + " yuan to room " + card["room"].get<std::string>() +
                                    " onto its card (" + desk.options().pay + ")?",
                                desk.options().yes);
    if (answer != ExitCode::kDone) return failed(answer, "nothing was sold");
    const json order{{"household_id", card["household_id"]}, {"amount_fen", *fen}, {"channel", desk.options().pay}};
    auto sale = desk.client().send("POST", "/sales", order, desk.key());
    for (int k = 0; k < 3 && !sale && sale.error().status == 0; ++k)
        sale = desk.client().send("POST", "/sales", order, desk.key());
    if (!sale) return sale;
    auto written = write_ticket(desk, ".card");
    if (!written) {
        OfficeFailure failure = written.error();
        failure.what = "the sale is booked (receipt " + (*sale)["receipt"].get<std::string>() +
                       ") and not on the card yet: " + failure.what;
        failure.what_to_try = "put the card back, then prewatt card repair; nothing is to be sold again";
        return std::unexpected(std::move(failure));
    }
    (*written)["sale"] = std::move(*sale);
    return written;
}

Said take_back(Desk& desk) {
    auto report = desk.look(desk::Depth::kRecords);
    if (!report) return report;
    const json& card = (*report)["card"];
    if (card.is_null())
        return failed(ExitCode::kRefused, words_of_finding((*report)["finding"], card), "prewatt card format");
    const std::string state = card["state"];
    if (state == "issued" || state == "written") {
        const auto answer = confirm("Take back card " + std::to_string(card["id"].get<std::int64_t>()) + " of room " +
                                        card["room"].get<std::string>() + "?",
                                    desk.options().yes);
        if (answer != ExitCode::kDone) return failed(answer, "nothing was done");
        const auto ended =
            desk.client().send("POST", "/cards/" + std::to_string(card["id"].get<std::int64_t>()) + "/end",
                               json{{"how", "taken_back"}, {"reason", desk.options().reason}});
        if (!ended) return ended;
    }
    return desk.carry_out({desk::OrderKind::kFormat, desk.key(), 0, 0, ""});
}

int print_done(const json& said, const CardOptions& options) {
    if (options.output == "json") {
        json out = said;
        out["format"] = 1;
        std::printf("%s\n", out.dump().c_str());
    } else {
        if (said.contains("sale"))
            std::printf("sold %s yuan, receipt %s\n", decimal(said["sale"]["amount_fen"].get<std::int64_t>()).c_str(),
                        said["sale"]["receipt"].get<std::string>().c_str());
        const json& card = said["card"];
        if (card.is_null())
            std::printf("the card is empty\n");
        else
            print_card(card, nullptr);
    }
    std::fflush(stdout);
    return code(ExitCode::kDone);
}

int print_looked(const json& report, const CardOptions& options) {
    if (options.output == "json") {
        json out = report;
        out["format"] = 1;
        std::printf("%s\n", out.dump().c_str());
    } else {
        print_report(report, options.action == "inspect");
    }
    std::fflush(stdout);
    const std::string finding = report["finding"];
    return code(finding == "not_ours" || finding == "unknown" || finding == "revoked" ? ExitCode::kRefused
                                                                                      : ExitCode::kDone);
}

int print_dump(const json& dump, const CardOptions& options) {
    if (options.output == "json") {
        json out = dump;
        out["format"] = 1;
        std::printf("%s\n", out.dump().c_str());
    } else {
        std::printf("number %s\n", dump["uid"].get<std::string>().c_str());
        for (const json& sector : dump["sectors"]) {
            const std::string data = sector["data"];
            for (std::size_t k = 0; k < 3; ++k)
                std::printf("%2lld.%zu  %-9s  %s%s%s\n", static_cast<long long>(sector["sector"]), k,
                            k == 0 ? sector["opens"].get<std::string>().c_str() : "",
                            data.empty() ? "not read" : data.substr(k * 32, 32).c_str(), k == 2 ? "  access " : "",
                            k == 2 ? sector["access"].get<std::string>().c_str() : "");
        }
    }
    std::fflush(stdout);
    return code(ExitCode::kDone);
}

int list_cards(const OfficeClient& client, const CardOptions& options, OutputFormat format) {
    std::string path = "/cards?limit=1000";
    if (!options.room.empty()) {
        const auto household = client.find_household(options.room);
        if (!household) return fail(household.error());
        path = "/households/" + std::to_string((*household)["id"].get<std::int64_t>()) + "/cards?limit=1000";
    }
    const auto list = client.get(path);
    if (!list) return fail(list.error());
    print(table_of_cards((*list)["cards"]), format);
    return code(ExitCode::kDone);
}

// With --swipe-after-lockout: changed first. It holds for what is written onto cards from then on.
int rules(const OfficeClient& client, const CardOptions& options) {
    json order{{"swipe_after_lockout", options.swipe_after_lockout}};
    if (!options.reason.empty()) order["reason"] = options.reason;
    const auto rules =
        options.swipe_after_lockout.empty() ? client.get("/card-rules") : client.send("PUT", "/card-rules", order);
    if (!rules) return fail(rules.error());
    const bool releases = (*rules)["may_release_lockout"];
    if (options.output == "json")
        std::printf("%s\n",
                    json{{"format", 1}, {"swipe_after_lockout", releases ? "releases" : "refused"}}.dump().c_str());
    else
        std::printf("after a lock-out a swipe %s; each card says so from the next time it is written\n",
                    releases ? "releases: the household's card forgets it"
                             : "is refused: somebody of the office has to release it");
    std::fflush(stdout);
    return code(ExitCode::kDone);
}

}  // namespace

int run(const CardOptions& options) {
    const auto format = output_format(options.output);
    const bool lists = options.action == "list" || options.action == "warrants";
    if (!format || (!lists && *format == OutputFormat::kCsv))
        return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json" + (lists ? ", csv" : ""));
    const auto patience = span_of(options.place.wait_card);
    if (!patience) return fail(ExitCode::kWrongUse, patience.error());
    if (options.action == "sell")
        if (const auto fen = fen_of(options.yuan); !fen) return fail(ExitCode::kWrongUse, fen.error());
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    if (options.action == "list") return list_cards(*client, options, *format);
    if (options.action == "warrants") return list_warrants(*client, *format);
    if (options.action == "withdraw") return withdraw_warrant(*client, options);
    if (options.action == "rules") return rules(*client, options);
    if (options.action == "lost") {
        const auto ended = client->send("POST", "/cards/" + std::to_string(options.card) + "/end",
                                        json{{"how", "lost"}, {"reason", options.reason}});
        if (!ended) return fail(ended.error());
        return print_done(json{{"card", *ended}}, options);
    }
    CardPlaceOptions where = options.place;
    where.says_waiting = true;
    auto place = CardPlace::open(where);
    if (!place) return fail(place.error());
    Desk desk(options, std::move(*client), std::move(*place), *patience);
    const std::string& action = options.action;
    if (action == "read" || action == "inspect") {
        const auto report = desk.look(action == "read" ? desk::Depth::kRecords : desk::Depth::kAll);
        if (!report) return fail(report.error());
        return print_looked(*report, options);
    }
    if (action == "dump") {
        const auto dump = desk.dump();
        if (!dump) return fail(dump.error());
        return print_dump(*dump, options);
    }
    Said said = action == "sell"        ? sell(desk)
                : action == "repair"    ? repair(desk)
                : action == "take-back" ? take_back(desk)
                : action == "format"    ? desk.carry_out({desk::OrderKind::kFormat, desk.key(), 0, 0, ""})
                                        : issue(desk);
    if (!said) return fail(said.error());
    return print_done(*said, options);
}

}  // namespace prewatt::cli
