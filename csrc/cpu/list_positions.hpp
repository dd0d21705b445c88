// Where an index stands in a short list of distinct indices.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace mmkernels::cpu {

// A hash table filled anew for every list: at 16 to 32 bytes an index it stays in the first-level
// cache, where a table of all samples would not. It holds positions only, -1 for a free place; the
// list itself says whether an index is the one that was looked for.
class ListPositions {
 public:
  explicit ListPositions(int64_t k)
      : k_(k), shift_(64 - std::bit_width(static_cast<uint64_t>(4 * k))),
        mask_((uint64_t{1} << (64 - shift_)) - 1), places_(mask_ + 1) {}

  // The list must outlive the questions.
  void fill(const int64_t* list) {
    list_ = list;
    std::fill(places_.begin(), places_.end(), -1);
    for (int64_t i = 0; i < k_; ++i) place(list[i]) = static_cast<int32_t>(i);
  }

  // 0 for the first of the list, -1 for what is not in it.
  int64_t find(int64_t index) { return place(index); }

 private:
  // The place that holds the index, else the free one where it would be.
  int32_t& place(int64_t index) {
    uint64_t at = static_cast<uint64_t>(index) * 0x9e3779b97f4a7c15u >> shift_;
    while (places_[at] >= 0 && list_[places_[at]] != index) at = (at + 1) & mask_;
    return places_[at];
  }

  int64_t k_;
  int shift_;
  uint64_t mask_;
  std::vector<int32_t> places_;
  const int64_t* list_ = nullptr;
};

}  // namespace mmkernels::cpu
