#include "card/openssl/openssl_mac.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cassert>
#include <map>

namespace prewatt::card {
namespace {

struct Free {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacPointer = std::unique_ptr<EVP_MAC, Free>;
using ContextPointer = std::unique_ptr<EVP_MAC_CTX, Free>;

ContextPointer keyed_context(EVP_MAC* algorithm, const Key& key) {
    ContextPointer context(EVP_MAC_CTX_new(algorithm));
    assert(context);
    char cipher[] = "AES-128-CBC";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                     OSSL_PARAM_construct_end()};
    const int done = EVP_MAC_init(context.get(), key.data(), key.size(), parameters);
    assert(done == 1);
    (void)done;
    return context;
}

}  // namespace

struct OpensslMac::Contexts {
    MacPointer algorithm{EVP_MAC_fetch(nullptr, "CMAC", nullptr)};
    std::map<Key, ContextPointer> keyed;

    void clear() {
        while (!keyed.empty()) {
            auto node = keyed.extract(keyed.begin());
            OPENSSL_cleanse(node.key().data(), node.key().size());
        }
    }
};

OpensslMac::OpensslMac() : contexts_(std::make_unique<Contexts>()) {
    assert(contexts_->algorithm);
}
OpensslMac::~OpensslMac() {
    contexts_->clear();
}

Tag OpensslMac::cmac(const Key& key, Bytes message) {
    auto found = contexts_->keyed.find(key);
    if (found == contexts_->keyed.end()) {
        if (contexts_->keyed.size() == kContextsMax) contexts_->clear();
        found = contexts_->keyed.emplace(key, keyed_context(contexts_->algorithm.get(), key)).first;
    }
    // A copy of the keyed context takes the message; starting the same context again without a key is not sound in
    // every 3.0.
    const ContextPointer context(EVP_MAC_CTX_dup(found->second.get()));
    assert(context);
    Tag tag{};
    std::size_t size = 0;
    const bool done = EVP_MAC_update(context.get(), message.data(), message.size()) == 1 &&
                      EVP_MAC_final(context.get(), tag.data(), &size, tag.size()) == 1 && size == tag.size();
    assert(done);
    (void)done;
    return tag;
}

}  // namespace prewatt::card
