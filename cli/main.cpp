// The command line: verbs, flags and help. The only file that sees CLI11 (it takes long to compile); what a verb does
// stands in NAME.cpp behind NAME.hpp.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>

#include "cli/approvals.hpp"
#include "cli/audit.hpp"
#include "cli/bench.hpp"
#include "cli/campaign.hpp"
#include "cli/card.hpp"
#include "cli/card_sim.hpp"
#include "cli/clear.hpp"
#include "cli/db.hpp"
#include "cli/desk_agent.hpp"
#include "cli/evaluate.hpp"
#include "cli/events.hpp"
#include "cli/exit_code.hpp"
#include "cli/frame.hpp"
#include "cli/ledger.hpp"
#include "cli/login.hpp"
#include "cli/meter.hpp"
#include "cli/output.hpp"
#include "cli/questions.hpp"
#include "cli/read.hpp"
#include "cli/read_office.hpp"
#include "cli/relay.hpp"
#include "cli/report.hpp"
#include "cli/sell.hpp"
#include "cli/serve.hpp"
#include "cli/settings.hpp"
#include "cli/shared_reader.hpp"
#include "cli/sim.hpp"
#include "cli/simulate.hpp"
#include "cli/top.hpp"
#include "cli/torture.hpp"
#include "cli/users.hpp"
#include "cli/verify.hpp"
#include "cli/work.hpp"

namespace prewatt::cli {
namespace {

// What the chosen verb said.
int exit_code = 0;

template <class Options>
std::shared_ptr<Options> verb_options(CLI::App& verb) {
    auto options = std::make_shared<Options>();
    verb.callback([options] { exit_code = run(*options); });
    return options;
}

void offer_frame(CLI::App& app) {
    CLI::App& frame = *app.add_subcommand("frame", "DL/T 645 frames in words and back, without a meter");
    frame.require_subcommand(1);
    CLI::App& decode = *frame.add_subcommand("decode", "Say what the frames in these bytes mean");
    auto in = verb_options<FrameDecodeOptions>(decode);
    decode.add_option("HEX", in->hex, "Bytes as hex; without: from standard input");
    decode.add_option("--key", in->key, "File with the master key: opens sealed commands");
    decode.add_option("-o,--output", in->output, "table or json")->capture_default_str();
    CLI::App& encode = *frame.add_subcommand("encode", "Make a frame from words");
    auto out = verb_options<FrameEncodeOptions>(encode);
    encode.add_option("METER", out->meter, "Twelve digits, or BOX:HOUSEHOLD")->required();
    encode.add_option("WHAT", out->what, "read, write, reply, ticket, ...; see below")->required();
    encode.add_option("ARGUMENTS", out->arguments, "What it needs");
    encode.add_option("--password", out->password, "Level and digits of a plain write")->capture_default_str();
    encode.add_option("--operator", out->operator_number, "Who: eight hex digits, or a number in a sealed command");
    encode.add_option("--key", out->key, "File with the master key, for sealed commands");
    encode.add_option("--counter", out->counter, "Counter of a sealed command");
    CLI::Option* bus = encode.add_option("--bus", out->bus, "Send it on this line and say the answer in words");
    encode.add_option("--baud", out->speed, "Speed of the line, 8E1")->capture_default_str()->needs(bus);
    encode.add_option("--preamble", out->preamble, "FE bytes in front, 0 to 4")->capture_default_str();
    encode.add_option("-o,--output", out->output, "table (hex alone) or json")->capture_default_str();
    encode.footer(frame_encode_help());
}

void add_server(CLI::App& verb, ServerOptions& options) {
    verb.add_option("--server", options.server,
                    "The office; without: PREWATT_SERVER, else that of the last login, else http://127.0.0.1:8080");
    verb.add_option("--token-file", options.token_file,
                    "File with the token; without: PREWATT_TOKEN, else that of the last login");
}

// Straight from the line with --bus, else through the office.
struct ReadAnywhere {
    ReadOptions line;
    ReadOfficeOptions office;
};
int run(const ReadAnywhere& options) {
    if (!options.line.bus.empty()) {
        if (!options.office.server.server.empty())
            return fail(ExitCode::kWrongUse, "--bus asks the meter itself and --server the office", "one of the two");
        return run(options.line);
    }
    ReadOfficeOptions office = options.office;
    office.room = options.line.meter;
    office.every = options.line.every;
    office.output = options.line.output;
    return run(office);
}

void offer_read(CLI::App& app) {
    CLI::App& verb =
        *app.add_subcommand("read", "Read rooms through the office, or with --bus a meter over its own line");
    auto options = verb_options<ReadAnywhere>(verb);
    ReadOptions& line = options->line;
    verb.add_option("METER", line.meter,
                    "Through the office: a room, or all. With --bus: 2026000017:12, 2026000017:all, 2026000017, twelve "
                    "digits, or AAAAAAAAAAAA")
        ->required();
    verb.add_option("--bus", line.bus, "The line: tcp://host:port, /dev/ttyUSB0, a pseudo-terminal");
    CLI::Option* bus = verb.get_option("--bus");
    verb.add_option("--baud", line.speed, "Speed of the line, 8E1")->capture_default_str()->needs(bus);
    verb.add_option("--tries", line.tries, "How often a question is asked")->capture_default_str()->needs(bus);
    verb.add_option("--item", line.items, "Data identifier to read instead of the usual ones; repeatable")->needs(bus);
    verb.add_flag("--raw", line.raw, "Every frame, on standard error")->needs(bus);
    verb.add_option("--every", line.every, "Again and again: 500ms, 5s, 2m");
    verb.add_option("-o,--output", line.output, "table, json or csv")->capture_default_str();
    verb.add_flag("--live", options->office.live, "Through the office, but ask the meter now")->excludes(bus);
    add_server(verb, options->office.server);
}

void add_line(CLI::App& verb, std::string& meter, std::string& bus, int& speed, int& tries, std::string& output) {
    verb.add_option("METER", meter, "2026000017:12 a household, 2026000017 the box itself")->required();
    verb.add_option("--bus", bus, "The line: tcp://host:port, /dev/ttyUSB0, a pseudo-terminal")->required();
    verb.add_option("--baud", speed, "Speed of the line, 8E1")->capture_default_str();
    verb.add_option("--tries", tries, "How often a question is asked")->capture_default_str();
    verb.add_option("-o,--output", output, "table, json or csv")->capture_default_str();
}

void offer_events(CLI::App& app) {
    CLI::App& verb =
        *app.add_subcommand("events", "What a meter has written down: cuts and why, purchases, phases, ...");
    auto options = verb_options<EventsOptions>(verb);
    add_line(verb, options->meter, options->bus, options->speed, options->tries, options->output);
    verb.add_flag_callback("--json", [options] { options->output = "json"; }, "As -o json");
    verb.add_option("--kind", options->kind, "Only events whose name holds this word");
    verb.add_option("--limit", options->limit, "At most so many, the newest");
    verb.add_option("--capture", options->capture,
                    "Instead: explanation and waveforms of the n-th last malignant load of a household");
}

void offer_settings(CLI::App& app) {
    CLI::App& settings = *app.add_subcommand("settings", "What a meter is set to, and to set it, over its own line");
    settings.require_subcommand(1);
    CLI::App& show = *settings.add_subcommand("show", "Names, values, ranges");
    auto shown = verb_options<SettingsShowOptions>(show);
    add_line(show, shown->meter, shown->bus, shown->speed, shown->tries, shown->output);
    show.add_flag("--all", shown->all, "Also what is as the factory made it");
    CLI::App& set = *settings.add_subcommand("set", "Check, show what would change, send, read again");
    auto options = verb_options<SettingsSetOptions>(set);
    add_line(set, options->meter, options->bus, options->speed, options->tries, options->output);
    set.add_option("NAME=VALUE", options->values, "As show prints them: load.milliamperes=16000");
    set.add_option("--file", options->file, "TOML file with the same names");
    set.add_option("--key", options->key, "File with the master key");
    set.add_option("--operator", options->operator_number, "Who, for the meter's log");
    set.add_option("--counter", options->counter, "Of the first command; without: one above the box's last");
    set.add_flag("--dry-run", options->dry_run, "Say what would change, send nothing");
    set.add_flag("--yes", options->yes, "Do not ask");
}

void offer_login(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("login", "Sign in at an office and keep the token for the other verbs");
    auto options = verb_options<LoginOptions>(verb);
    verb.add_option("--user", options->user, "Who; the password is asked for")->capture_default_str();
    verb.add_flag("--out", options->out, "Sign out and forget the token");
    add_server(verb, options->server);
}

void offer_sell(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("sell", "Sell electricity to a room and wait until its meter has confirmed");
    auto options = verb_options<SellOptions>(verb);
    verb.add_option("ROOM", options->room, "3-0512, or BOX:HOUSEHOLD")->required();
    verb.add_option("--yuan", options->yuan, "How much: 100, 100.50")->required();
    verb.add_option("--pay", options->pay, "cash, transfer or other")->capture_default_str();
    verb.add_option("--payer", options->payer, "Who pays: a resident of the room, name or number");
    verb.add_option("--drawer", options->drawer, "The open cash drawer that it goes into, name or number");
    verb.add_option("--wait", options->wait, "How long to wait for the meter; 0s: not")->capture_default_str();
    verb.add_flag("--yes", options->yes, "Do not ask");
    verb.add_flag("--dry-run", options->dry_run, "Say what would be sold, book nothing");
    verb.add_option("--idempotency-key", options->idempotency_key, "The same key never sells twice");
    verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
    add_server(verb, options->server);
}

void offer_refund(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("refund", "Refund a sale in part or whole; paid when the meter has confirmed");
    auto options = verb_options<RefundOptions>(verb);
    verb.add_option("SALE", options->sale, "Number of the sale")->required()->check(CLI::PositiveNumber);
    verb.add_option("--yuan", options->yuan, "How much; left out: all that is left of it");
    verb.add_option("--reason", options->reason, "For the journal")->required();
    verb.add_flag("--yes", options->yes, "Do not ask");
    verb.add_option("--idempotency-key", options->idempotency_key, "The same key never refunds twice");
    verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
    add_server(verb, options->server);
}

void offer_ledger(CLI::App& app) {
    CLI::App& ledger = *app.add_subcommand("ledger", "What was booked");
    ledger.require_subcommand(1);
    CLI::App& verb = *ledger.add_subcommand("show", "The bookings of a room, newest first");
    auto options = verb_options<LedgerShowOptions>(verb);
    verb.add_option("ROOM", options->room, "3-0512, or BOX:HOUSEHOLD")->required();
    verb.add_option("--limit", options->limit, "How many")->capture_default_str()->check(CLI::Range(1, 1000));
    verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
    add_server(verb, options->server);
}

void offer_relay(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("relay", "Switch a room off or on and wait until its meter has confirmed");
    auto options = verb_options<RelayOptions>(verb);
    verb.add_option("ROOM", options->room, "3-0512, or BOX:HOUSEHOLD")->required();
    verb.add_option("ACTION", options->action, "on or off")->required();
    verb.add_option("--for", options->span, "on: force power for 30m, 2h");
    verb.add_option("--reason", options->reason, "For the journal");
    verb.add_option("--wait", options->wait, "How long to wait for the meter; 0s: not")->capture_default_str();
    verb.add_flag("--yes", options->yes, "Do not ask");
    verb.add_flag("--dry-run", options->dry_run, "Say what would be done, do nothing");
    verb.add_option("--idempotency-key", options->idempotency_key, "The same key is never executed twice");
    verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
    add_server(verb, options->server);
}

void offer_clear(CLI::App& app) {
    CLI::App& verb =
        *app.add_subcommand("clear", "Take registers and account of a room off its meter; takes two people");
    auto options = verb_options<ClearOptions>(verb);
    verb.add_option("ROOM", options->room, "3-0512, or BOX:HOUSEHOLD")->required();
    verb.add_option("--reason", options->reason, "For the journal and whoever approves")->required();
    verb.add_flag("--yes", options->yes, "Do not ask");
    verb.add_option("--idempotency-key", options->idempotency_key, "The same key is never executed twice");
    verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
    add_server(verb, options->server);
}

void add_card_place(CLI::App& verb, CardPlaceOptions& options) {
    verb.add_option("--reader", options.reader, "A reader of this machine, or a part of its name");
    verb.add_option("--model", options.model, "Instead: the card in this file; none lies there while there is no file");
    verb.add_option("--exchange-ms", options.exchange_ms, "--model: how long the card takes for an exchange")
        ->check(CLI::Range(0, 1000));
    verb.add_option("--tear", options.tear, "--model: torn away in the W-th write, after so many bytes: W or W:BYTES");
    verb.add_option("--wait-card", options.wait_card, "How long to wait for a card")->capture_default_str();
}

void offer_card(CLI::App& app) {
    CLI::App& card = *app.add_subcommand("card", "Cards at the desk: of households, and cards with rights");
    card.require_subcommand(1);
    const std::pair<const char*, const char*> verbs[] = {
        {"read", "What the card is, what it carries, what came back on it"},
        {"inspect", "The same with every sector"},
        {"dump", "All sectors as they read"},
        {"issue", "Make a card for the household of a room; with --kind: a card with rights"},
        {"sell", "Sell, and write the newest ticket onto the household's card"},
        {"repair", "Complete what was broken off: the newest ticket, a torn issue"},
        {"replace", "Make another card; the household's card in use is dead from now on"},
        {"take-back", "End the card and empty it"},
        {"format", "Empty a card that is ended, or that the books do not know"},
        {"lost", "Without the card: it is dead from now on"},
        {"list", "Cards, with what they carry and what came back on them"},
        {"warrants", "What cards with rights are made for, who agreed, what the boxes said"},
        {"withdraw", "A card with rights that was agreed upon is not to be made"},
        {"rules", "What a swipe may do, of the whole site; with --swipe-after-lockout: change it"}};
    for (const auto& [action, words] : verbs) {
        CLI::App& verb = *card.add_subcommand(action, words);
        auto options = verb_options<CardOptions>(verb);
        const std::string name = action;
        options->action = name;
        if (name == "replace") verb.add_option("ROOM", options->room, "3-0512, or BOX:HOUSEHOLD")->required();
        if (name == "issue") {
            verb.add_option("--kind", options->kind, "household, or a card with rights")
                ->check(CLI::IsMember({"household", "set-up", "inspection", "clear", "restore", "reader-test"}))
                ->capture_default_str();
            verb.add_option("--box", options->boxes, "--kind: ten digits; a restore takes several");
            verb.add_option("--restores", options->restores, "--kind restore: what is forgotten")
                ->check(CLI::IsMember({"overload", "malignant", "cutoff-alarm"}));
            verb.add_option("--valid", options->valid, "--kind: from the writing on; 24h unless said");
            verb.add_option("--warrant", options->warrant, "Instead of --kind: one that was agreed upon");
        }
        if (name == "withdraw") verb.add_option("WARRANT", options->warrant, "Its number")->required();
        if (name == "issue" || name == "sell" || name == "list")
            verb.add_option("ROOM", options->room, "3-0512, or BOX:HOUSEHOLD");
        if (name == "lost") verb.add_option("CARD", options->card, "Its number in the books")->required();
        if (name == "sell") {
            verb.add_option("--yuan", options->yuan, "How much: 100, 100.50")->required();
            verb.add_option("--pay", options->pay, "cash, transfer or other")->capture_default_str();
        }
        if (name == "replace" || name == "take-back" || name == "lost" || name == "withdraw")
            verb.add_option("--reason", options->reason, "For the journal")->required();
        if (name == "issue" || name == "rules") verb.add_option("--reason", options->reason, "For the journal");
        if (name == "rules")
            verb.add_option("--swipe-after-lockout", options->swipe_after_lockout,
                            "refused: somebody has to come; releases: the household's own swipe forgets a lock-out")
                ->check(CLI::IsMember({"refused", "releases"}));
        if (name == "sell" || name == "replace" || name == "take-back")
            verb.add_flag("--yes", options->yes, "Do not ask");
        if (name == "issue" || name == "sell" || name == "replace" || name == "format")
            verb.add_option("--idempotency-key", options->idempotency_key, "The same key is never executed twice");
        verb.add_option("-o,--output", options->output, "table or json")->capture_default_str();
        if (name != "lost" && name != "list" && name != "rules" && name != "warrants" && name != "withdraw")
            add_card_place(verb, options->place);
        add_server(verb, options->server);
    }
}

void offer_desk_agent(CLI::App& app) {
    CLI::App& verb =
        *app.add_subcommand("desk-agent", "The card reader of this machine for the office's pages in its browser");
    auto options = verb_options<DeskAgentOptions>(verb);
    verb.add_option("--office", options->office, "Where the pages come from: https://office.example")->required();
    verb.add_option("--port", options->port, "On 127.0.0.1")->capture_default_str();
    verb.add_option("--pairing-file", options->pairing_file, "Where the pairing code is kept");
    verb.add_flag("--new-code", options->new_code, "Make another pairing code: pages that know the old one are out");
    add_card_place(verb, options->place);
}

void offer_campaign(CLI::App& app) {
    CLI::App& campaign = *app.add_subcommand("campaign", "One order to many households or boxes");
    campaign.require_subcommand(1);
    const auto offer = [&](const char* action, const char* words) {
        CLI::App& verb = *campaign.add_subcommand(action, words);
        auto options = verb_options<CampaignOptions>(verb);
        options->action = action;
        const std::string name = action;
        if (name == "preview" || name == "start") {
            verb.add_option("SELECTION", options->selection,
                            "all, \"floor 1 5\", \"box 2\", \"group 3\", \"price_group 2\" ...")
                ->required();
            verb.add_option("WISH", options->wish, "remote_off, \"alarms 1000 200 0\", clock ...")->required();
        } else if (name != "list") {
            verb.add_option("NUMBER", options->number, "Of the campaign")->required();
        }
        if (name == "start") {
            verb.add_option("--reason", options->reason, "For the journal");
            verb.add_option("--at", options->at, "Milliseconds since 1970 UTC; else now");
            verb.add_flag("--daily", options->daily, "Every day anew");
            verb.add_option("--window", options->window, "Orders are given between these times, as 23:00-05:00");
            verb.add_flag("--yes", options->yes, "Do not ask");
            verb.add_option("--idempotency-key", options->idempotency_key, "The same key is never executed twice");
        }
        if (name == "members")
            verb.add_option("--state", options->state, "confirmed, already, waiting, failed or cannot; else all");
        verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
        add_server(verb, options->server);
    };
    offer("preview", "What it would change of whom; nothing is done");
    offer("start", "Makes it so: now, later, or every day");
    offer("list", "The newest ones with their progress");
    offer("show", "One of them, and why members wait or have failed");
    offer("members", "Each member, how far it is and why");
    offer("pause", "Orders nobody further for now");
    offer("resume", "Goes on");
    offer("cancel", "Orders nobody further, for ever; what was ordered goes on");
    offer("retry", "Orders those that failed again");
}

void add_database(CLI::App& verb, AuditOptions& options) {
    verb.add_option("--db", options.db, "Where the office is kept: a path, sqlite:///..., postgresql://...");
    verb.add_option("--data", options.data, "Folder with prewatt.db")->capture_default_str();
    verb.add_flag("--json", options.json, "For a program");
}

void offer_audit(CLI::App& app) {
    CLI::App& audit = *app.add_subcommand("audit", "The journal of who did what: recompute its chain, show it");
    audit.require_subcommand(1);
    CLI::App& verify =
        *audit.add_subcommand("verify", "Recompute the chain over the database itself, without the server");
    auto whole = verb_options<AuditVerifyOptions>(verify);
    verify.add_option("--expect", whole->expect,
                      "NUMBER:CHAIN that was noted down, to find a journal that was cut off");
    add_database(verify, *whole);
    CLI::App& show = *audit.add_subcommand("show", "Records, newest first");
    auto shown = verb_options<AuditShowOptions>(show);
    show.add_option("NUMBER", shown->number, "This one only");
    show.add_option("--limit", shown->limit, "At most so many")->check(CLI::Range(1, 10'000))->capture_default_str();
    show.add_option("--user", shown->user, "Of this user");
    show.add_option("--action", shown->action, "price.set, or all that begin so: household");
    show.add_option("--subject", shown->subject, "\"household 12\", \"user li\"");
    show.add_flag("--canonical", shown->canonical, "The bytes of one record that its chain is the SHA-256 of");
    add_database(show, *shown);
    CLI::App& head = *audit.add_subcommand("head", "Number and chain of the newest record, to be noted down");
    auto newest = verb_options<AuditHeadOptions>(head);
    add_database(head, *newest);
}

void offer_approvals(CLI::App& app) {
    CLI::App& approvals = *app.add_subcommand("approvals", "Acts that wait for a second person");
    approvals.require_subcommand(1);
    CLI::App& list = *approvals.add_subcommand("list", "What waits");
    auto listed = verb_options<ApprovalsListOptions>(list);
    list.add_option("--state", listed->state, "waiting, done, refused, failed, expired, all")->capture_default_str();
    list.add_option("-o,--output", listed->output, "table, json or csv")->capture_default_str();
    add_server(list, listed->server);
    for (const bool approve : {true, false}) {
        CLI::App& verb = *approvals.add_subcommand(approve ? "approve" : "refuse",
                                                   approve ? "Carry it out" : "End it; nothing is done");
        auto options = verb_options<ApprovalsDecideOptions>(verb);
        options->approve = approve;
        verb.add_option("NUMBER", options->number, "Of the request")->required();
        if (approve)
            verb.add_flag("--yes", options->yes, "Do not ask");
        else
            verb.add_option("--reason", options->reason, "For whoever asked");
        verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
        add_server(verb, options->server);
    }
}

void offer_users(CLI::App& app) {
    CLI::App& users = *app.add_subcommand("users", "Who may sign in at the office, and as what");
    users.require_subcommand(1);
    const auto roles = CLI::IsMember({"owner", "cashier", "technician", "auditor"});
    CLI::App& list = *users.add_subcommand("list", "All, with role and whether locked");
    auto listed = verb_options<UsersListOptions>(list);
    list.add_option("-o,--output", listed->output, "table, json or csv")->capture_default_str();
    add_server(list, listed->server);
    CLI::App& add = *users.add_subcommand("add", "A new user; the password is asked for");
    auto added = verb_options<UsersAddOptions>(add);
    add.add_option("USER", added->user, "Signs in with it")->required();
    add.add_option("--role", added->role, "owner, cashier, technician or auditor")->required()->check(roles);
    add.add_option("--name", added->name, "As shown");
    add.add_option("-o,--output", added->output, "table, json or csv")->capture_default_str();
    add_server(add, added->server);
    const auto change = [&](const char* name, const char* what) {
        CLI::App& verb = *users.add_subcommand(name, what);
        auto options = verb_options<UsersChangeOptions>(verb);
        verb.add_option("USER", options->user, "As in the list")->required();
        verb.add_option("--reason", options->reason, "For the journal");
        verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
        add_server(verb, options->server);
        return std::pair{&verb, options};
    };
    const auto set = change("set", "Another role or name; what is not given stays");
    set.first->add_option("--role", set.second->role, "owner, cashier, technician or auditor")->check(roles);
    set.first->add_option("--name", set.second->name, "As shown");
    const auto lock =
        change("lock", "Ends its sessions; nobody signs in with it, and nothing that it asked for is carried out");
    lock.second->locked = true;
    lock.first->get_option("--reason")->required();
    lock.first->add_flag("--yes", lock.second->yes, "Do not ask");
    change("unlock", "It may sign in again, with the password that it had").second->locked = false;
    CLI::App& password = *users.add_subcommand("password", "A new password; ends the user's sessions");
    auto renewed = verb_options<UsersPasswordOptions>(password);
    password.add_option("USER", renewed->user, "As in the list")->required();
    add_server(password, renewed->server);
}

void offer_questions(CLI::App& app) {
    CLI::App& questions = *app.add_subcommand("questions", "Accounts whose tickets wait for a decision");
    questions.require_subcommand(1);
    CLI::App& list = *questions.add_subcommand("list", "What is asked, with both figures");
    auto listed = verb_options<QuestionsListOptions>(list);
    list.add_option("-o,--output", listed->output, "table, json or csv")->capture_default_str();
    add_server(list, listed->server);
    CLI::App& answer = *questions.add_subcommand("answer", "Say which total counts; a second person approves it");
    auto answered = verb_options<QuestionsAnswerOptions>(answer);
    answer.add_option("ROOM", answered->room, "As printed on the door, or BOX:HOUSEHOLD")->required();
    answer.add_option("ANSWER", answered->answer, "meters or offices")
        ->required()
        ->check(CLI::IsMember({"meters", "offices"}));
    answer
        .add_option("--contains", answered->contains,
                    "The meter's total holds what the office has sold up to this ticket; what was sold later comes on "
                    "top")
        ->check(CLI::NonNegativeNumber);
    answer.add_option("--reason", answered->reason, "For the journal")->required();
    answer.add_flag("--yes", answered->yes, "Do not ask");
    answer.add_option("--idempotency-key", answered->idempotency_key, "The same key never books twice");
    add_server(answer, answered->server);
}

void offer_work(CLI::App& app) {
    CLI::App& work = *app.add_subcommand("work", "Differences that a person has to look at");
    work.require_subcommand(1);
    CLI::App& list = *work.add_subcommand("list", "What is not closed");
    auto listed = verb_options<WorkListOptions>(list);
    list.add_option("--state", listed->state, "open, explained, closed");
    list.add_option("--kind", listed->kind, "Of this kind");
    list.add_option("-o,--output", listed->output, "table, json or csv")->capture_default_str();
    add_server(list, listed->server);
    CLI::App& show = *work.add_subcommand("show", "One with its explanation and comments");
    auto shown = verb_options<WorkShowOptions>(show);
    show.add_option("NUMBER", shown->number, "Of the item")->required();
    show.add_flag("--json", shown->json, "For a program");
    add_server(show, shown->server);
    CLI::App& resolve = *work.add_subcommand("resolve", "Say what it was; it closes when the difference is gone");
    auto resolved = verb_options<WorkResolveOptions>(resolve);
    resolve.add_option("NUMBER", resolved->number, "Of the item")->required();
    resolve.add_option("TEXT", resolved->text, "What it was and what was done")->required();
    add_server(resolve, resolved->server);

    CLI::App& reconcile = *app.add_subcommand("reconcile", "Compare ledger, meters, statements and head meters now");
    auto pass = verb_options<ReconcileOptions>(reconcile);
    reconcile.add_flag("--json", pass->json, "For a program");
    add_server(reconcile, pass->server);

    CLI::App& statement = *app.add_subcommand("statement", "Take a payment channel's statement over (CSV)");
    auto taken = verb_options<StatementOptions>(statement);
    statement.add_option("CHANNEL", taken->channel, "cash, transfer, other, wechat")->required();
    statement.add_option("FILE", taken->file, "docs/formats/statement.md")->required();
    statement.add_option("--from", taken->from, "First day that it tells, 2026-09-01")->required();
    statement.add_option("--to", taken->to, "Last day that it tells")->required();
    add_server(statement, taken->server);
}

void offer_top(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("top", "Lines, boxes and the rooms that draw most, as they are now");
    auto options = verb_options<TopOptions>(verb);
    verb.add_option("--every", options->every, "How often it is renewed")->capture_default_str();
    verb.add_option("--rooms", options->rooms, "How many rooms")->capture_default_str();
    verb.add_option("-o,--output", options->output, "table or json")->capture_default_str();
    add_server(verb, options->server);
}

void offer_evaluate(CLI::App& app) {
    CLI::App& evaluate = *app.add_subcommand("evaluate", "Recordings of real appliances through the code of the meter");
    evaluate.require_subcommand(1);
    CLI::App& verb =
        *evaluate.add_subcommand("malignant", "Which recordings would be cut as malignant loads, and when");
    auto options = verb_options<EvaluateOptions>(verb);
    verb.add_option("MANIFEST", options->manifest, "manifest.csv beside the recordings")->required();
    verb.add_flag("--json", options->json, "For a program: figures and every row");
    verb.add_flag("--strict", options->strict, "A missed goal is exit code 1");
    verb.add_option("--settings", options->settings, "TOML file with the profile; without: the factory's");
    verb.add_option("--dry-run", options->dry_run, "TOML file with another profile: shows what it would change");
    verb.add_flag("--stress", options->stress, "Again with noise, phase errors, other voltages, frequencies, currents");
    verb.add_option("--every", options->every, "Only each so many-th row of a kind and type")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
}

void offer_report(CLI::App& app) {
    CLI::App& report = *app.add_subcommand("report", "What was used, from what the office has kept");
    report.require_subcommand(1);
    CLI::App& verb = *report.add_subcommand("consumption", "Energy by household, building or site, with its quality");
    auto options = verb_options<ReportOptions>(verb);
    verb.add_option("--month", options->month, "2026-11");
    verb.add_option("--from", options->from, "Instead: 2026-11-05 is that day, 2026-11-05T14 that hour");
    verb.add_option("--to", options->to, "Up to the beginning of this month, day or hour");
    verb.add_option("--level", options->level, "household, building or site")
        ->check(CLI::IsMember({"household", "building", "site"}))
        ->capture_default_str();
    verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
    add_server(verb, options->server);
}

void offer_bench(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("bench", "Measure this machine and compare with the goals: " + bench_names());
    auto options = verb_options<BenchOptions>(verb);
    verb.add_option("NAME", options->name, bench_names())->required();
    verb.add_flag("--json", options->json, "For a program");
    verb.add_flag("--strict", options->strict, "A missed goal is exit code 1");
    verb.add_option("--seconds", options->seconds, "How long to measure");
    verb.add_option("--boxes", options->boxes, "line, sale: with so many boxes")->check(CLI::Range(1, 256));
    verb.add_option("--households", options->households, "readings: for so many households only")
        ->check(CLI::Range(1, 10'000'000));
    verb.add_option("--db", options->database,
                    "ledger, readings: sqlite, postgres or both; readings: or the URL of an empty PostgreSQL database")
        ->capture_default_str();
    verb.add_option("--folder", options->folder, "ledger, readings: a folder on the disk that is to be measured");
}

void offer_verify(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("verify", "Prove the meter on this machine: " + verify_names());
    auto options = verb_options<VerifyOptions>(verb);
    verb.add_option("NAME", options->name, verify_names())->required();
    verb.add_flag("--json", options->json, "For a program");
    verb.add_flag("--strict", options->strict, "A missed goal is exit code 1");
    verb.add_flag("--quick", options->quick, "A representative part, in seconds");
    verb.add_option("--channels", options->channels, "class1: only these, as 1-5,12");
    verb.add_option("--cross-talk", options->cross_talk_decibels, "class1: dB, from each neighbouring channel")
        ->check(CLI::Range(-200.0, 0.0))
        ->capture_default_str();
    verb.add_option("--noise", options->noise_counts, "class1: rms of the converter, counts")
        ->check(CLI::Range(0.5, 100.0))
        ->capture_default_str();
    verb.add_option("--seed", options->seed, "class1: of the errors of the front end; storage: of the loads")
        ->capture_default_str();
    verb.add_option("--days", options->days, "storage: so long the building runs, 2 when not given")
        ->check(CLI::Range(0.01, 1000.0));
    verb.add_option("--kwh", options->kilowatt_hours, "storage: of each household and day, 20 when not given")
        ->check(CLI::Range(0.1, 300.0));
    verb.add_option("--memory", options->memory_kibibytes, "storage: KiB of the box")
        ->check(CLI::Range(32, 1024))
        ->capture_default_str();
}

void offer_torture(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand(
        "torture", "Kill the real office, or tear cards away, again and again, and look at the books");
    auto options = verb_options<TortureOptions>(verb);
    verb.add_option("NAME", options->name, "office, card")->required();
    verb.add_option("--tears", options->tears, "card: so many")
        ->check(CLI::Range(1, 100'000'000))
        ->capture_default_str();
    verb.add_option("--kills", options->kills, "So many, of each database")
        ->check(CLI::Range(0, 1'000'000))
        ->capture_default_str();
    verb.add_option("--seed", options->seed, "Chooses the instants")->capture_default_str();
    verb.add_option("--db", options->database, "sqlite, postgres or both")
        ->check(CLI::IsMember({"sqlite", "postgres", "both"}))
        ->capture_default_str();
    verb.add_option("--boxes", options->boxes, "Of the building, 39 households each")
        ->check(CLI::Range(1, 16))
        ->capture_default_str();
    verb.add_flag("--no-scenes", options->no_scenes,
                  "Only kills: no full disk, no second office, no broken connections");
    verb.add_flag("--json", options->json, "For a program");
    verb.add_flag("--strict", options->strict, "A missed goal is exit code 1");
    verb.add_flag("--keep", options->keep, "Keep the folder with all data and logs");
    verb.add_option("--planted-defect", options->planted_defect)->group("");
}

void offer_meter(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("meter", "Run one virtual meter: the real meter code on this machine");
    auto options = verb_options<MeterOptions>(verb);
    verb.add_option("--box", options->box, "Box number, ten digits")->capture_default_str();
    verb.add_option("--wiring", options->wiring, "39x1, 18x2, 12x3 or 13x3phase")->capture_default_str();
    verb.add_option("--store", options->store, "File that keeps what the meter stores");
    verb.add_option("--key", options->key, "File with the master key; made when it is not there");
    verb.add_option("--tcp", options->tcp, "Answer DL/T 645 on [HOST:]PORT; port 0: any");
    verb.add_option_function<std::string>(
            "--pty",
            [options](const std::string& link) {
                options->pty = true;
                options->pty_link = link;
            },
            "Answer on a pseudo-terminal, with a link of this name")
        ->expected(0, 1)
        ->trigger_on_parse();
    verb.add_option("--speed", options->speed, "1 = real time; max = as fast as it goes")->capture_default_str();
    verb.add_option("--homes", options->homes, "Simulated homes from this seed");
    verb.add_option("--life", options->life, "students, family, shop, lively")->capture_default_str();
    verb.add_option("--play", options->play, "Play a recording in one household");
    verb.add_option("--row", options->row, "Which row of the recording")->capture_default_str();
    verb.add_option("--household", options->household, "Where it is played")->capture_default_str();
    verb.add_option("--repeat", options->repeat, "How often, or forever")->capture_default_str();
    verb.add_flag("--as-recorded", options->as_recorded, "Do not bring recordings of 120 V to 220 V");
    verb.add_flag("--display", options->display, "Show the LED display");
    verb.add_flag("--panel", options->panel, "Show the whole front on the terminal: p plug, h hold, arrows, q quit");
    verb.add_option("--panel-port", options->panel_port, "The front as JSON over HTTP on 127.0.0.1; 0: any free port");
    verb.add_option("--card", options->card,
                    "Fit a card reader; a card in this file lies on it as long as the file is there");
    verb.add_flag("--card-clears", options->card_clears, "--card: obey clear cards too, which a box refuses otherwise");
    verb.add_option("--for", options->duration, "End after 90s, 5m, 2h of virtual time");
    verb.add_option("--ib", options->basic_current, "Basic current, A")->capture_default_str();
    verb.add_option("--imax", options->max_current, "Maximum current, A")->capture_default_str();
    verb.add_option("--constant", options->pulse_constant, "imp/kWh of a new meter")->capture_default_str();
    verb.add_option("--fault", options->faults,
                    "lost:B:30s:10s, sag:A:60%:20s:2s, stuck-open:12:5s, stuck-closed:12:5s; repeatable");
    verb.add_option("-o,--output", options->output, "table or json: what is printed at the end")->capture_default_str();
    verb.footer(
        "A new meter is dark: no account is open. An office sells to it (prewatt serve --line ...), or a ticket by "
        "hand, here 5 kWh:\n"
        "  prewatt frame encode 2026000001:01 ticket 1 1 5.00 --counter 1 --key FILE --bus tcp://HOST:PORT");
}

void offer_sim(CLI::App& app) {
    CLI::App& verb =
        *app.add_subcommand("sim", "Run a building: many boxes with homes on one RS-485 line behind a TCP port");
    auto options = verb_options<SimOptions>(verb);
    verb.add_option("--boxes", options->boxes, "How many boxes")->capture_default_str();
    verb.add_option("--listen", options->listen, "[HOST:]PORT of the line")->capture_default_str();
    verb.add_option("--store", options->store, "Folder that keeps what the meters store")->capture_default_str();
    verb.add_option("--key", options->key, "File with the master key");
    verb.add_option("--seed", options->seed, "Everything that happens follows from it")->capture_default_str();
    verb.add_option("--speed", options->speed, "1 = real time")->capture_default_str();
    verb.add_option("--baud", options->baud, "Speed of the line, or none")->capture_default_str();
    verb.add_option("--wiring", options->wiring, "39x1, 18x2, 12x3 or 13x3phase")->capture_default_str();
    verb.add_option("--level", options->level, "auto, waveform or cycle")->capture_default_str();
    verb.add_option("--for", options->duration, "End after 90s, 5m, 2h of virtual time");
    verb.add_option("--fault", options->faults,
                    "lost:B:30s:10s, sag:A:60%:20s:2s, stuck-open:12:5s, stuck-closed:12:5s; repeatable");
    verb.add_option("-o,--output", options->output, "table or json")->capture_default_str();
}

void offer_reader(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("reader", "A shared card reader on a line: one for all its boxes");
    auto options = verb_options<ReaderOptions>(verb);
    verb.add_option("--number", options->number, "Of the reader, on its site")
        ->check(CLI::Range(1, 65535))
        ->capture_default_str();
    verb.add_option("--line", options->line, "serial:///dev/ttyUSB0?baud=9600 or tcp://HOST:PORT: where the boxes are");
    verb.add_option(
        "--tcp", options->tcp,
        "[HOST:]PORT for the office to connect to; with --line, all other frames are passed on to the boxes");
    verb.add_option("--pcsc", options->pcsc, "The PC/SC reader, by its name or a part of it");
    verb.add_option("--card", options->card, "Instead of one: a card in a file lies there as long as the file does");
    verb.add_option("--key-file", options->key_file, "The two sector keys of the site")->required();
    verb.add_option("--make-keys", options->master_key,
                    "Write them into --key-file, from the site's master key in this file");
    verb.add_option("--base", options->base, "First sector of the site's cards")
        ->check(CLI::Range(1, 10))
        ->capture_default_str();
    verb.add_option("--for", options->duration, "End after 90s, 5m, 2h");
    verb.footer(
        "The line's address in the office then names it: tcp://HOST:PORT?readers=NUMBER\n"
        "  prewatt reader --make-keys prewatt.key --key-file reader.key\n"
        "  prewatt reader --number 7 --line serial:///dev/ttyUSB1 --pcsc ACR1252 --key-file reader.key");
}

void offer_card_sim(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("card-sim", "An M1 card without hardware, on the virtual reader of a pcscd");
    auto options = verb_options<CardSimOptions>(verb);
    verb.add_option("FILE", options->file, "The card, kept in this file")->required();
    verb.add_option("--new", options->new_number,
                    "Make FILE, as from the factory, with this number: 8 or 14 hex digits");
    verb.add_option("--port", options->port, "Where the virtual reader takes its card")
        ->envname("PREWATT_VPCD_PORT")
        ->capture_default_str();
    verb.add_option("--host", options->host, "And on which machine")->capture_default_str();
    verb.add_option("--reader", options->reader, "Habits of the reader: plain, acr122, acr1252, omnikey, old")
        ->capture_default_str();
    verb.add_option("--exchange-ms", options->exchange_ms, "How long the card takes for a command; a real one about 10")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    verb.add_option("--tear", options->tear, "Torn away in this write from now: WRITE[:BYTES[:REST]], as 2:7:weak");
    verb.add_option("--for", options->duration, "Take it away after 90s, 5m, 2h");
    verb.add_option("--seed", options->seed, "How weak cells read")->capture_default_str();
    verb.footer(
        "A pcscd with a virtual reader, for one shell: tests/pcsc/run_pcscd bash\n"
        "Whoever connects to its port is the card: never on a machine that sells.");
}

void offer_simulate(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand(
        "simulate", "Let a campus with all its faults, or a full building, run by itself: a year in minutes");
    auto options = verb_options<SimulateOptions>(verb);
    verb.add_option("NAME", options->name, "campus or building")->capture_default_str();
    verb.add_option("--days", options->days, "How long")->capture_default_str();
    verb.add_option("--level", options->level, "building: waveform: sample by sample; cycle: a measurement each second")
        ->capture_default_str();
    verb.add_option("--boxes", options->boxes, "campus: so many, --homes rooms behind each")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    verb.add_option("--seeds", options->seeds, "campus: so many seeds from --seed on, until one does not hold")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    verb.add_flag("--no-faults", options->no_faults, "campus: nothing goes wrong");
    verb.add_flag("--cards", options->cards, "campus: readers at the boxes, residents with cards, cheats");
    verb.add_option("--defect", options->defect, "campus: plant a defect, to see it found: " + defect_names());
    verb.add_flag("--controls", options->controls, "campus: plant each defect in turn; all must be found");
    verb.add_option("--homes", options->homes, "How many have an account")
        ->check(CLI::Range(0, 39))
        ->capture_default_str();
    verb.add_option("--wiring", options->wiring, "39x1, 18x2, 12x3 or 13x3phase")->capture_default_str();
    verb.add_option("--life", options->life, "students, family, shop, lively")->capture_default_str();
    verb.add_option("--seed", options->seed, "Everything that happens follows from it")->capture_default_str();
    verb.add_flag("--json", options->json, "For a program");
    verb.add_flag("--strict", options->strict, "A missed goal is exit code 1");
}

void offer_db(CLI::App& app) {
    CLI::App& group = *app.add_subcommand("db", "The database of an office: check, backup, restore, migrate, move");
    group.require_subcommand(1);
    const auto add = [&group]<class Options>(const char* name, const char* words,
                                             std::shared_ptr<Options>& options) -> CLI::App& {
        CLI::App& verb = *group.add_subcommand(name, words);
        options = verb_options<Options>(verb);
        verb.add_option("-o,--output", options->output, "table, json or csv")->capture_default_str();
        return verb;
    };
    constexpr const char* kDb = "sqlite:///path/office.db, a path or postgresql://user@host/database";
    std::shared_ptr<DbCheckOptions> check;
    add("check", "Structures, ledger, audit chain, hash of all balances; touches nothing", check)
        .add_option("DB", check->db, kDb)
        ->required();
    std::shared_ptr<DbBackupOptions> backup;
    CLI::App& backup_verb = add("backup", "One file of one moment, while the office works", backup);
    backup_verb.add_option("DB", backup->db, kDb)->required();
    backup_verb.add_option("FILE", backup->file, "The new file")->required();
    std::shared_ptr<DbRestoreOptions> restore;
    CLI::App& restore_verb = add("restore", "A backup into a new or empty database", restore);
    restore_verb.add_option("FILE", restore->file, "The backup")->required();
    restore_verb.add_option("DB", restore->db, kDb)->required();
    std::shared_ptr<DbMigrateOptions> migrate;
    add("migrate", "Bring the tables up to date", migrate).add_option("DB", migrate->db, kDb)->required();
    std::shared_ptr<DbSettingsOptions> settings;
    CLI::App& settings_verb = add("settings", "How long readings are kept, when a month is closed", settings);
    settings_verb.add_option("DB", settings->db, kDb)->required();
    settings_verb.add_option("CHANGES", settings->changes, "raw_days=90 close_hour=6 ...; none: shows them");
    settings_verb.add_option("--reason", settings->reason, "For the journal");
    std::shared_ptr<DbMoveOptions> move;
    CLI::App& move_verb = add("move", "Copy an office into another database, proved by the hash of all balances", move);
    move_verb.add_option("FROM", move->from, kDb)->required();
    move_verb.add_option("TO", move->to, kDb)->required();
}

void offer_serve(CLI::App& app) {
    CLI::App& verb = *app.add_subcommand("serve", "Run the office: lines, database, pages");
    auto options = verb_options<ServeOptions>(verb);
    options->version = PREWATT_VERSION;
    verb.add_option("--data", options->data, "Folder with database, key and configuration")->capture_default_str();
    verb.add_option("--db", options->db,
                    "sqlite:///path/office.db, a path or postgresql://user@host/database (DATA/prewatt.db); a password "
                    "belongs into ~/.pgpass");
    verb.add_option("--listen", options->listen, "HOST:PORT of pages and interface (127.0.0.1:8080)");
    verb.add_option("--ui-dir", options->ui_dir, "Pages from this folder");
    verb.add_option("--config", options->config, "TOML file (DATA/prewatt.toml)");
    verb.add_option("--line", options->lines, "NAME=tcp://host:port or NAME=/dev/ttyUSB0@9600; repeatable");
    verb.add_option("--demo", options->demo_boxes, "First start: the demonstration building of so many boxes");
    verb.add_option("--demo-line", options->demo_line, "Where the line of the demonstration building is");
    verb.add_option("--owner-password-file", options->owner_password_file,
                    "First start: the owner's password is its first line");
    verb.add_option("--log-level", options->log_level, "debug, info, warning, error, off");
    verb.add_option("--planted-defect", options->planted_defect)->group("");
}

std::string exit_codes() {
    std::string out = "Exit codes:\n";
    for (const ExitMeaning& meaning : kExitMeanings) {
        const std::string number = std::to_string(code(meaning.exit));
        out += "  " + std::string(3 - number.size(), ' ') + number + "  " + meaning.meaning + "\n";
    }
    return out;
}

int main_of(int argc, char** argv) {
    CLI::App app{"Prewatt: prepaid electricity, from the meter to the desk", "prewatt"};
    app.set_version_flag("-V,--version", std::string("prewatt ") + PREWATT_VERSION);
    app.require_subcommand(1);
    app.footer(exit_codes());
    app.get_formatter()->column_width(32);
    offer_serve(app);
    offer_db(app);
    offer_meter(app);
    offer_sim(app);
    offer_read(app);
    offer_events(app);
    offer_settings(app);
    offer_login(app);
    offer_sell(app);
    offer_refund(app);
    offer_ledger(app);
    offer_relay(app);
    offer_clear(app);
    offer_card(app);
    offer_desk_agent(app);
    offer_campaign(app);
    offer_top(app);
    offer_audit(app);
    offer_approvals(app);
    offer_users(app);
    offer_questions(app);
    offer_work(app);
    offer_frame(app);
    offer_report(app);
    offer_bench(app);
    offer_evaluate(app);
    offer_verify(app);
    offer_torture(app);
    offer_simulate(app);
    offer_card_sim(app);
    offer_reader(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) {
            app.exit(error);  // help, version
            return code(ExitCode::kDone);
        }
        // The verb that was begun, for its own help.
        std::string verb = "prewatt";
        for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
            at = at->get_subcommands().front();
            verb += " " + at->get_name();
        }
        std::fprintf(stderr, "prewatt: %s\nTry: %s --help\n", error.what(), verb.c_str());
        return code(ExitCode::kWrongUse);
    }
    return exit_code;
}

}  // namespace
}  // namespace prewatt::cli

int main(int argc, char** argv) {
    try {
        return prewatt::cli::main_of(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "prewatt: internal error: %s\n", error.what());
        return prewatt::cli::code(prewatt::cli::ExitCode::kInternal);
    }
}
