// Where an index stands in a short list of distinct indices.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace mmkernels::cpu {

// A table of at least twice as many places as indices, filled anew for every list: it stays in the
// first-level cache, where a table of all samples would not.
class ListPositions {
 public:
  explicit ListPositions(int64_t k)
      : shift_(64 - std::bit_width(static_cast<uint64_t>(2 * k))),
        mask_((uint64_t{1} << (64 - shift_)) - 1), places_(mask_ + 1) {}

  void fill(const int64_t* list, int64_t k) {
    std::fill(places_.begin(), places_.end(), Place{});
    for (int64_t i = 0; i < k; ++i) place(list[i]) = {list[i], i};
  }

  // 0 for the first of the list, -1 for what is not in it.
  int64_t find(int64_t index) { return place(index).position; }

 private:
  struct Place {
    int64_t index = -1, position = -1;
  };

  // The place that holds the index, else the free one where it would be.
  Place& place(int64_t index) {
    uint64_t at = static_cast<uint64_t>(index) * 0x9e3779b97f4a7c15u >> shift_;
    while (places_[at].index != index && places_[at].position >= 0) at = (at + 1) & mask_;
    return places_[at];
  }

  int shift_;
  uint64_t mask_;
  std::vector<Place> places_;
};

}  // namespace mmkernels::cpu
