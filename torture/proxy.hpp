// A man in the middle between an office and its PostgreSQL server: two unix sockets, everything passed on, until he is
// told to cut. The worst cut: the server has committed and said so, and the office never hears it.
#pragma once
#include <atomic>
#include <filesystem>
#include <list>
#include <thread>

namespace prewatt::torture {

class Proxy {
  public:
    // Listens in `front`, a folder, as a server would; passes on to the server whose socket is in `back`.
    Proxy(const std::filesystem::path& front, const std::filesystem::path& back);
    ~Proxy();
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    // The answer to the n-th COMMIT from now on is dropped, and its connection with it.
    void drop_answer_of_commit(int n) { commits_left_ = n; }
    // Every connection, now.
    void cut() { cut_all_ = true; }
    [[nodiscard]] int answers_dropped() const { return dropped_; }

  private:
    struct Pair {
        int office;
        int server;
    };
    void run();
    // False: the pair is to be closed.
    bool pass_on(int from, int to, bool from_server);

    std::filesystem::path back_;
    int listening_ = -1;
    std::list<Pair> pairs_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> cut_all_{false};
    std::atomic<int> commits_left_{0};
    std::atomic<int> dropped_{0};
    std::thread thread_;
};

}  // namespace prewatt::torture
