#include "cli/card_office.hpp"

#include "card/uid.hpp"
#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;
namespace desk = card::desk;

std::optional<std::vector<Byte>> bytes_of(const json& value, std::size_t size) {
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() != 2 * size) return std::nullopt;
    std::vector<Byte> bytes;
    for (std::size_t k = 0; k < text.size(); k += 2) {
        int value_of_two = 0;
        for (const char c : {text[k], text[k + 1]}) {
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) return std::nullopt;
            value_of_two = value_of_two * 16 + digit;
        }
        bytes.push_back(static_cast<Byte>(value_of_two));
    }
    return bytes;
}

OfficeFailure not_an_office() {
    return {ExitCode::kNotReachable,
            "the office answered something that this command does not understand",
            "the same version of prewatt on both sides",
            0,
            {}};
}

}  // namespace

std::string text_of(const card::Uid& uid) {
    std::string text;
    for (const Byte byte : uid) {
        text += "0123456789ABCDEF"[byte >> 4];
        text += "0123456789ABCDEF"[byte & 15];
    }
    return text;
}
std::optional<card::Uid> uid_of(std::string_view text) {
    const auto bytes = bytes_of(json(std::string(text)), text.size() / 2);
    if (!bytes || (bytes->size() != 4 && bytes->size() != 7)) return std::nullopt;
    return card::uid_of(*bytes);
}
std::string text_of(const desk::Sight& sight) {
    constexpr std::string_view opens[] = {"ours", "transport", "torn", "none"};
    std::string text;
    for (const desk::SectorSight& one : sight.sectors) {
        if (!text.empty()) text += '\n';
        text += std::to_string(one.sector) + " " + std::string(opens[static_cast<int>(one.opens)]) + " ";
        if (!one.record) {
            text += '-';
            continue;
        }
        for (const Byte byte : *one.record) {
            text += "0123456789abcdef"[byte >> 4];
            text += "0123456789abcdef"[byte & 15];
        }
    }
    return text;
}
std::optional<desk::CardKeys> keys_of(const json& value) {
    desk::CardKeys keys;
    if (!value.is_object() || !value.contains("base") || !value["base"].is_number_integer() ||
        !value.contains("sectors") || !value["sectors"].is_array() || value["sectors"].size() != card::kSectorCount)
        return std::nullopt;
    const auto base = value["base"].get<std::int64_t>();
    if (base < card::kBaseMin || base > card::kBaseMax) return std::nullopt;
    keys.layout.base = static_cast<std::uint8_t>(base);
    for (std::size_t k = 0; k < card::kSectorCount; ++k) {
        const json& pair = value["sectors"][k];
        if (!pair.is_object() || !pair.contains("a") || !pair.contains("b")) return std::nullopt;
        const auto a = bytes_of(pair["a"], 6);
        const auto b = bytes_of(pair["b"], 6);
        if (!a || !b) return std::nullopt;
        std::copy(a->begin(), a->end(), keys.sectors[k].a.begin());
        std::copy(b->begin(), b->end(), keys.sectors[k].b.begin());
    }
    return keys;
}
std::optional<desk::Plan> plan_of(const json& value) {
    if (!value.is_object() || !value.contains("steps") || !value["steps"].is_array()) return std::nullopt;
    desk::Plan plan;
    plan.write = value.value("write_id", std::int64_t{0});
    for (const json& step : value["steps"]) {
        if (!step.is_object() || !step.contains("sector") || !step["sector"].is_number_integer() ||
            !step.contains("kind") || !step["kind"].is_string() || !step.contains("bytes"))
            return std::nullopt;
        const auto sector = step["sector"].get<std::int64_t>();
        if (sector < 0 || sector >= card::kSectorCount) return std::nullopt;
        desk::Step one;
        one.sector = static_cast<std::uint8_t>(sector);
        one.is_trailer = step["kind"] == "trailer";
        if (!one.is_trailer && step["kind"] != "record") return std::nullopt;
        const auto bytes = bytes_of(step["bytes"], one.is_trailer ? card::kBlockBytes : card::kRecordBytes);
        if (!bytes) return std::nullopt;
        std::copy(bytes->begin(), bytes->end(), one.is_trailer ? one.trailer.begin() : one.record.begin());
        plan.steps.push_back(one);
    }
    return plan;
}

std::string_view word(desk::Fault fault) {
    switch (fault) {
        case desk::Fault::kNoCard:
            return "no_card";
        case desk::Fault::kNotM1:
            return "not_m1";
        case desk::Fault::kSeveral:
            return "several_cards";
        case desk::Fault::kNotUsable:
            return "not_usable";
        case desk::Fault::kSwapped:
            return "swapped";
        case desk::Fault::kRefused:
            return "card_refused";
        case desk::Fault::kNotVerified:
            return "not_verified";
        case desk::Fault::kReader:
            return "reader";
        case desk::Fault::kOffice:
            return "office";
        case desk::Fault::kPlan:
            break;
    }
    return "bad_plan";
}
std::string sentence_of(const desk::Failure& failure) {
    const std::string sector = std::to_string(failure.sector);
    std::string torn = failure.begun ? "the card was taken away while it was written; put it back and do the same "
                                       "again, nothing is lost"
                                     : "no card lies on the reader, or it was taken away; nothing was written";
    switch (failure.fault) {
        case desk::Fault::kNoCard:
            return torn;
        case desk::Fault::kNotM1:
            return "what lies on the reader is no M1 card (a telephone, a bank card, a sticker); nothing was done";
        case desk::Fault::kSeveral:
            return "more than one card lies on the reader; nothing was done";
        case desk::Fault::kNotUsable:
            return "no card is found again by the number of this one (a telephone, or a copy without a number); "
                   "nothing "
                   "was done";
        case desk::Fault::kSwapped:
            return "another card lies on the reader now; put the first one back and do the same again";
        case desk::Fault::kRefused:
            return "the card does not let sector " + sector + " be written: it is damaged, or serves another system";
        case desk::Fault::kNotVerified:
            return "sector " + sector + " does not keep what is written: the card is worn out; replace it";
        case desk::Fault::kReader:
            return "the reader does not work; look at its cable, and put the card back";
        case desk::Fault::kOffice:
            return failure.office.message;
        case desk::Fault::kPlan:
            break;
    }
    return "the office ordered something that would lock sector " + sector + " for ever; nothing of it was sent";
}

template <class T>
desk::Office::Answer<T> CardOffice::refused(const OfficeFailure& failure) {
    failure_ = failure;
    return std::unexpected(desk::OfficeRefusal{failure.code, failure.what, failure.status});
}

desk::Office::Answer<desk::CardKeys> CardOffice::keys(const card::Uid& uid) {
    const auto answer = client_.send("POST", "/desk/keys", json{{"uid", text_of(uid)}});
    if (!answer) return refused<desk::CardKeys>(answer.error());
    const auto keys = keys_of(*answer);
    if (!keys) return refused<desk::CardKeys>(not_an_office());
    return *keys;
}
desk::Office::Answer<desk::Report> CardOffice::look(const desk::Sight& sight) {
    const auto answer =
        client_.send("POST", "/desk/look", json{{"uid", text_of(sight.uid)}, {"sectors", text_of(sight)}});
    if (!answer) return refused<desk::Report>(answer.error());
    return desk::Report{answer->dump()};
}
desk::Office::Answer<desk::Plan> CardOffice::order(const desk::Order& order, const desk::Sight& sight) {
    if (order.kind == desk::OrderKind::kWarrant)
        return plan_from(client_.send("POST", "/desk/warrants/" + std::to_string(order.warrant),
                                      json{{"uid", text_of(sight.uid)}, {"sectors", text_of(sight)}}, order.order_id));
    constexpr const char* kinds[] = {"issue", "ticket", "format"};
    const json body{{"kind", kinds[static_cast<int>(order.kind)]},
                    {"household_id", order.household},
                    {"replaces", order.replaces},
                    {"reason", order.reason},
                    {"uid", text_of(sight.uid)},
                    {"sectors", text_of(sight)}};
    return plan_from(client_.send("POST", "/desk/orders", body, order.order_id));
}
desk::Office::Answer<desk::Plan> CardOffice::plan_from(const OfficeClient::Answer& answer) {
    if (!answer) return refused<desk::Plan>(answer.error());
    auto plan = plan_of(*answer);
    if (!plan) return refused<desk::Plan>(not_an_office());
    return std::move(*plan);
}
desk::Office::Answer<desk::Report> CardOffice::done(std::int64_t write, const desk::Sight& read_back) {
    const auto answer = client_.send("POST", "/desk/writes/" + std::to_string(write) + "/done",
                                     json{{"uid", text_of(read_back.uid)}, {"sectors", text_of(read_back)}});
    if (!answer) return refused<desk::Report>(answer.error());
    return desk::Report{answer->dump()};
}

}  // namespace prewatt::cli
