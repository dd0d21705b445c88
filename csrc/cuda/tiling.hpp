// How Hopper's kernels cut their work, where only a device can tell what is best: benchmarks/gpu.sh
// tries a table of settings by $MMKERNELS_CUDA_TILING, such as "knn_blocks=1,knn_strip=4". Results are
// the same with all of them.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mmkernels::cuda {

struct Tiling {
  int64_t knn_resident = 256;  // depth up to which rows stay in shared memory
  int64_t knn_strip = 8;       // panels of rows that are at work together
  int64_t knn_blocks = 2;      // of a cluster, 1 or 2
  int64_t gram_blocks = 2;
};

inline Tiling chosen_tiling() {
  constexpr struct {
    std::string_view name;
    int64_t Tiling::*field;
    int64_t least, most;
  } kSettings[] = {
      {"knn_resident", &Tiling::knn_resident, 0, 256},
      {"knn_strip", &Tiling::knn_strip, 1, 1024},
      {"knn_blocks", &Tiling::knn_blocks, 1, 2},
      {"gram_blocks", &Tiling::gram_blocks, 1, 2},
  };
  Tiling tiling;
  const char* text = std::getenv("MMKERNELS_CUDA_TILING");
  std::string_view rest = text ? text : "";
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(part.size() < rest.size() ? part.size() + 1 : rest.size());
    const size_t equals = part.find('=');
    bool known = false;
    for (const auto& setting : kSettings) {
      if (part.substr(0, equals) != setting.name || equals == part.npos) continue;
      int64_t value = 0;
      const char* end = part.data() + part.size();
      const auto read = std::from_chars(part.data() + equals + 1, end, value);
      known = read.ec == std::errc() && read.ptr == end && value >= setting.least &&
              value <= setting.most;
      tiling.*setting.field = value;
    }
    if (known) continue;
    std::string allowed;
    for (const auto& setting : kSettings)
      allowed += (allowed.empty() ? "" : ", ") + std::string(setting.name) + " " +
                 std::to_string(setting.least) + " to " + std::to_string(setting.most);
    throw std::invalid_argument("MMKERNELS_CUDA_TILING has '" + std::string(part) +
                                "'; it may set, as name=number between commas: " + allowed + ".");
  }
  return tiling;
}

}  // namespace mmkernels::cuda
