// Runs a harness without libFuzzer: every file of a corpus, then N mutations of them from a fixed seed, so that ctest
// on any machine does the same. A harness that finds something wrong aborts; the same command stops at the same input
// again.
//
//   NAME_fuzz CORPUS-FOLDER [N]      or      NAME_fuzz FILE   (one input, as libFuzzer does)
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;
constexpr unsigned kSeed = 20261122;

Input load(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void mutate(Input& input, const std::vector<Input>& corpus, std::mt19937& random) {
    const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
        const std::size_t at = below(input.size());
        switch (random() % 7) {
            case 0:
                if (!input.empty()) input[at] = static_cast<std::uint8_t>(random());
                break;
            case 1:
                if (!input.empty()) input[at] = static_cast<std::uint8_t>(input[at] ^ 1 << random() % 8);
                break;
            case 2:
                input.resize(at);
                break;
            case 3:
                input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), 1 + below(20),
                             static_cast<std::uint8_t>(random()));
                break;
            case 4: {
                const Input& other = corpus[below(corpus.size())];
                input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), other.begin(), other.end());
                break;
            }
            case 5:
                if (!input.empty()) input.erase(input.begin() + static_cast<std::ptrdiff_t>(at));
                break;
            case 6: {
                constexpr std::uint8_t kEdges[] = {0x00, 0xFF, 0x68, 0x16, 0xFE, 0x99, 0xAA, 0x7F, 0x80};
                if (!input.empty()) input[at] = kEdges[below(std::size(kEdges))];
                break;
            }
        }
        if (input.size() > 4096) input.resize(4096);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s CORPUS-FOLDER [MUTATIONS] | FILE\n", argv[0]);
        return 2;
    }
    const std::filesystem::path where = argv[1];
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_directory(where)) {
        for (const auto& entry : std::filesystem::directory_iterator(where))
            files.push_back(entry.path());
        std::sort(files.begin(), files.end());
    } else {
        files.push_back(where);
    }
    std::vector<Input> corpus;
    for (const auto& file : files)
        corpus.push_back(load(file));
    if (corpus.empty()) {
        std::fprintf(stderr, "no corpus in %s\n", where.c_str());
        return 1;
    }
    for (const Input& input : corpus)
        LLVMFuzzerTestOneInput(input.data(), input.size());
    const long mutations = argc > 2 ? std::atol(argv[2]) : 0;
    std::mt19937 random(kSeed);
    for (long n = 0; n < mutations; ++n) {
        Input input = corpus[random() % corpus.size()];
        mutate(input, corpus, random);
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%zu inputs, %ld mutations, seed %u\n", corpus.size(), mutations, kSeed);
    return 0;
}
