// `prewatt card-sim FILE`: an M1 card without hardware. Lays the card that is kept in FILE onto the virtual reader of a
// pcscd with vsmartcard-vpcd, where everything that works with a card on a reader can be tried.
//
//   FILE                  file           the card: docs/formats/virtual-card.md; every write is in it before it is
//   answered
//   --new NUMBER          new_number     makes FILE, as from the factory, with this number: 8 or 14 hex digits
//   --port N, --host H    port, host     35963 on 127.0.0.1: where the virtual reader takes its card
//   --reader WORD         reader         plain, acr122, acr1252, omnikey, old: whose habits the reader has
//   --exchange-ms N       exchange_ms    0; how long the card takes for a command (a real one about 10)
//   --tear W[:BYTES[:R]]  tear           the card is torn away in the W-th write from now, after so many bytes of the
//   block;
//                                        the rest is old, zeros, ones, noise, weak or allweak
//   --for TIME            duration       takes the card away after that time; else with Ctrl-C
//   --seed N              seed           1; how weak cells read
//
// Exit codes: 0 taken away in time, or torn as ordered; 2 wrong use; 3 no such file, or it is no card; 9 no virtual
// reader, or it went; 130 with Ctrl-C. The port is one that anybody can be a card at: see tests/pcsc/README.md.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace prewatt::cli {

struct CardSimOptions {
    std::filesystem::path file;
    std::string new_number;
    std::string host = "127.0.0.1";
    std::uint16_t port = 35963;
    std::string reader = "plain";
    int exchange_ms = 0;
    std::string tear;
    std::string duration;
    std::uint64_t seed = 1;
};
[[nodiscard]] int run(const CardSimOptions& options);
// A card's bytes into its file, whole or not at all, and for nobody else to read: the keys are in it.
[[nodiscard]] bool keep_card(const std::filesystem::path& file, const std::string& bytes);

}  // namespace prewatt::cli
