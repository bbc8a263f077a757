// The office as a desk asks it (card/desk), over its REST interface; and the JSON of the two, which the desk agent
// speaks with a page too.
#pragma once
#include <nlohmann/json.hpp>

#include "card/desk/desk.hpp"
#include "cli/office_client.hpp"

namespace prewatt::cli {

class CardOffice final : public card::desk::Office {
  public:
    explicit CardOffice(const OfficeClient& client) : client_(client) {}
    Answer<card::desk::CardKeys> keys(const card::Uid& uid) override;
    Answer<card::desk::Report> look(const card::desk::Sight& sight) override;
    Answer<card::desk::Plan> order(const card::desk::Order& order, const card::desk::Sight& sight) override;
    Answer<card::desk::Report> done(std::int64_t write, const card::desk::Sight& read_back) override;
    // Of the last question that was refused.
    [[nodiscard]] const OfficeFailure& failure() const { return failure_; }

  private:
    template <class T>
    Answer<T> refused(const OfficeFailure& failure);
    Answer<card::desk::Plan> plan_from(const OfficeClient::Answer& answer);
    const OfficeClient& client_;
    OfficeFailure failure_;
};

// "A1B2C3D4".
[[nodiscard]] std::string text_of(const card::Uid& uid);
[[nodiscard]] std::optional<card::Uid> uid_of(std::string_view text);
// The field `sectors` of the REST interface.
[[nodiscard]] std::string text_of(const card::desk::Sight& sight);
// Of {"base", "sectors": [{"a", "b"}]}; nothing: it is not of this form.
[[nodiscard]] std::optional<card::desk::CardKeys> keys_of(const nlohmann::json& json);
// Of {"write_id", "steps": [{"sector", "kind", "bytes"}]}.
[[nodiscard]] std::optional<card::desk::Plan> plan_of(const nlohmann::json& json);

// What a person is told, and the code of it: "no_card", "other_card", "office" ...
[[nodiscard]] std::string_view word(card::desk::Fault fault);
[[nodiscard]] std::string sentence_of(const card::desk::Failure& failure);

}  // namespace prewatt::cli
