// Which of up to 64 short lists hold an index, and how often that is said of each of them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace mmkernels::cpu {

// A hash table from an index to the lists that hold it, a bit a list: one question asks them all.
class ListOwners {
 public:
  static constexpr size_t kLists = 64;

  // For at most `lists` lists of k distinct indices; at most half full.
  ListOwners(size_t lists, int64_t k)
      : shift_(64 - std::bit_width(static_cast<uint64_t>(2 * lists * k))),
        mask_((uint64_t{1} << (64 - shift_)) - 1), entries_(mask_ + 1) {}

  void clear() { std::fill(entries_.begin(), entries_.end(), Entry{0, 0}); }

  void add(int64_t index, size_t list) {
    Entry& entry = at(index);
    entry = {index, entry.owners | uint64_t{1} << list};
  }

  uint64_t of(int64_t index) { return at(index).owners; }

 private:
  struct Entry {
    int64_t index;
    uint64_t owners;  // 0 for a free place
  };

  // The place that holds the index, else the free one where it would be.
  Entry& at(int64_t index) {
    uint64_t at = static_cast<uint64_t>(index) * 0x9e3779b97f4a7c15u >> shift_;
    while (entries_[at].owners && entries_[at].index != index) at = (at + 1) & mask_;
    return entries_[at];
  }

  int shift_;
  uint64_t mask_;
  std::vector<Entry> entries_;
};

// 64 counters that are added to a bit each at a time: plane p holds the bits p of all of them, so
// that an addition is a few operations, however many of its bits are set.
class BitCounters {
 public:
  void add(uint64_t bits) {
    for (size_t p = 0; bits; ++p) {
      if (p == planes_.size()) planes_.push_back(0);
      const uint64_t carry = planes_[p] & bits;
      planes_[p] ^= bits;
      bits = carry;
    }
  }

  int64_t count(size_t counter) const {
    int64_t total = 0;
    for (size_t p = 0; p < planes_.size(); ++p)
      total += static_cast<int64_t>(planes_[p] >> counter & 1) << p;
    return total;
  }

  void clear() { planes_.clear(); }

 private:
  std::vector<uint64_t> planes_;
};

}  // namespace mmkernels::cpu
