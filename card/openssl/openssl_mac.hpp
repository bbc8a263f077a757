// AES-CMAC on the host, by OpenSSL. Keeps one keyed context for each key that it has seen, up to kContextsMax, since a
// line of 256 boxes has 512 keys and setting a key up costs more than the tag of a command. Not for two threads at
// once: each thread has its own. Keys are wiped from memory when it goes.
#pragma once
#include <cstddef>
#include <memory>

#include "card/mac.hpp"

namespace prewatt::card {

class OpensslMac final : public Mac {
  public:
    static constexpr std::size_t kContextsMax = 1024;

    OpensslMac();
    ~OpensslMac();
    OpensslMac(const OpensslMac&) = delete;
    OpensslMac& operator=(const OpensslMac&) = delete;

    [[nodiscard]] Tag cmac(const Key& key, Bytes message) override;

  private:
    struct Contexts;
    std::unique_ptr<Contexts> contexts_;
};

}  // namespace prewatt::card
