// A connection to the office as a program at a desk would have one: HTTP/1.1 on loopback, kept open, broken off at any
// moment. Asking is two steps, so that torture can do something between the request and its answer.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace prewatt::torture {

struct Question {
    std::string_view method;
    std::string path;  // after /api/v1
    std::string body;
    std::string key;  // Idempotency-Key; empty: none
};
struct Reply {
    int status = 0;
    std::string body;
    bool replayed = false;
};

class Talk {
  public:
    Talk(std::uint16_t port, std::string token) : port_(port), token_(std::move(token)) {}
    Talk(const Talk&) = delete;
    Talk& operator=(const Talk&) = delete;
    ~Talk() { drop(); }

    // Connects when it has to; false: there is nobody.
    [[nodiscard]] bool reach() { return handle_ >= 0 || connect(); }
    // False: there is nobody, or the connection broke. Connects when it has to. `share` of the request is sent (1:
    // all).
    [[nodiscard]] bool send(const Question& question, double share = 1);
    // Nothing: the connection broke or 10 s have passed.
    [[nodiscard]] std::optional<Reply> receive();
    [[nodiscard]] std::optional<Reply> ask(const Question& question) {
        return send(question) ? receive() : std::nullopt;
    }
    // Closes; what is on its way is lost.
    void drop();
    void set_token(std::string token) { token_ = std::move(token); }

  private:
    [[nodiscard]] bool connect();

    std::uint16_t port_;
    std::string token_;
    int handle_ = -1;
    std::string read_;  // beyond the last answer
};

}  // namespace prewatt::torture
