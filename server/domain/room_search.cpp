#include "server/domain/room_search.hpp"

#include <algorithm>

namespace prewatt::server {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
// Bytes above 7F are parts of UTF-8 characters: letters.
bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

std::string lowered(std::string_view text) {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    std::string out{text};
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::vector<std::string> groups_of(std::string_view text) {
    std::vector<std::string> groups;
    bool inside = false;
    for (const char c : text) {
        if (!is_word(c)) {
            inside = false;
            continue;
        }
        if (!inside) groups.emplace_back();
        inside = true;
        groups.back().push_back(c);
    }
    return groups;
}

std::string_view without_zeros(std::string_view digits) {
    while (digits.size() > 1 && digits.front() == '0')
        digits.remove_prefix(1);
    return digits;
}

bool is_same_number(std::string_view a, std::string_view b) {
    return without_zeros(a) == without_zeros(b);
}

std::string joined(const std::vector<std::string>& groups) {
    std::string all;
    for (const std::string& group : groups)
        all += group;
    return all;
}

bool begins(std::string_view text, std::string_view with) {
    return text.substr(0, with.size()) == with;
}

}  // namespace

RoomSearch::RoomSearch(std::string_view text) : text_(lowered(text)), groups_(groups_of(text_)) {}

int RoomSearch::rank(std::string_view label, std::string_view resident, std::uint64_t box_number) const {
    if (text_.empty()) return 1;
    if (!groups_.empty()) {
        const std::vector<std::string> of_label = groups_of(lowered(label));
        const std::string compact = joined(of_label);
        if (groups_.size() == of_label.size() &&
            std::equal(groups_.begin(), groups_.end(), of_label.begin(), is_same_number))
            return 100;
        if (joined(groups_) == compact) return 100;
        if (groups_.size() == 1 && !of_label.empty() && is_same_number(groups_[0], of_label.back())) return 80;
        if (begins(lowered(label), text_) || begins(compact, joined(groups_))) return 60;
    }
    if (lowered(resident).find(text_) != std::string::npos) return 40;
    if (box_number != 0 && text_.size() >= 4 && std::all_of(text_.begin(), text_.end(), is_digit)) {
        const std::string digits = std::to_string(box_number);
        if (digits == text_) return 30;
        if (digits.size() > text_.size() && digits.ends_with(text_)) return 20;
    }
    return 0;
}

}  // namespace prewatt::server
