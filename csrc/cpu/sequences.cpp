// Both dynamic programmes advance 64 cells of a column at a time, as bits of a word: neighbouring
// cells differ by 0 or 1 (subsequences; Hyyro 2004) or by -1, 0 or 1 (distances; Myers 1999,
// Hyyro 2003), and one addition carries a difference down the word. Indices within a list are
// distinct, so that the mask of matches that these algorithms look up per symbol has one bit at
// most: the position of the symbol in the other list.
#include "sequences.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "list_positions.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int kBits = 64;

// Bit i of a column is zero where the length grows from cell i - 1 to cell i.
class Subsequence {
 public:
  explicit Subsequence(int64_t k) : k_(k), words_((k + kBits - 1) / kBits) {}

  int64_t operator()(ListPositions& positions, const int64_t* b) {
    std::fill(words_.begin(), words_.end(), ~uint64_t{0});
    for (int64_t j = 0; j < k_; ++j) {
      const int64_t position = positions.find(b[j]);
      if (position >= 0) match(position);
    }
    int64_t ones = 0;
    for (uint64_t word : words_) ones += std::popcount(word);
    return static_cast<int64_t>(words_.size()) * kBits - ones;
  }

 private:
  // V = (V + (V & M)) | (V & ~M) with one bit in M.
  void match(int64_t position) {
    uint64_t* word = words_.data() + position / kBits;
    const uint64_t bit = uint64_t{1} << position % kBits;
    if (!(*word & bit)) return;
    const uint64_t sum = *word + bit;
    bool carry = sum < bit;
    *word = sum | (*word & ~bit);
    for (const uint64_t* end = words_.data() + words_.size(); carry && ++word < end;) {
      const uint64_t next = *word + 1;
      carry = next == 0;
      *word |= next;
    }
  }

  int64_t k_;
  std::vector<uint64_t> words_;
};

class Levenshtein {
 public:
  explicit Levenshtein(int64_t k) : k_(k), columns_((k + kBits - 1) / kBits) {}

  int64_t operator()(ListPositions& positions, const int64_t* b) {
    std::fill(columns_.begin(), columns_.end(), Column{});
    const int64_t last = static_cast<int64_t>(columns_.size()) - 1;
    const int last_row = static_cast<int>((k_ - 1) % kBits);
    int64_t distance = k_;
    for (int64_t j = 0; j < k_; ++j) {
      const int64_t position = positions.find(b[j]);
      // The top row counts insertions: it grows by 1 from column to column.
      Step step{1, 0};
      for (int64_t w = 0; w < last; ++w)
        step = advance(columns_[w], match_in(w, position), step, kBits - 1);
      step = advance(columns_[last], match_in(last, position), step, last_row);
      distance += static_cast<int64_t>(step.up) - static_cast<int64_t>(step.down);
    }
    return distance;
  }

 private:
  // Bits of the rows whose cell is 1 more, or 1 less, than the cell above.
  struct Column {
    uint64_t up = ~uint64_t{0}, down = 0;
  };
  // Whether a cell is 1 more, or 1 less, than the cell to its left.
  struct Step {
    uint64_t up, down;
  };

  static uint64_t match_in(int64_t word, int64_t position) {
    return position >= 0 && position / kBits == word ? uint64_t{1} << position % kBits : 0;
  }

  // The next column below a step between the cells above it; returns the step at `row`.
  static Step advance(Column& column, uint64_t match, Step above, int row) {
    const uint64_t vertical = match | column.down;
    match |= above.down;
    const uint64_t diagonal = (((match & column.up) + column.up) ^ column.up) | match;
    uint64_t up = column.down | ~(diagonal | column.up);
    uint64_t down = column.up & diagonal;
    const Step below{up >> row & 1, down >> row & 1};
    up = up << 1 | above.up;
    down = down << 1 | above.down;
    column = {down | ~(vertical | up), up & vertical};
    return below;
  }

  int64_t k_;
  std::vector<Column> columns_;
};

// What Score says, row by row, of the list in b and the positions of the list in a.
template <class Score>
std::vector<int64_t> score_rows(const int64_t* a, const int64_t* b, int64_t n, int64_t k,
                                const Call& call) {
  struct Scratch {
    ListPositions positions;
    Score score;
  };
  std::vector<Scratch> scratches(call.threads, Scratch{ListPositions(k), Score(k)});
  std::vector<int64_t> scores(n);
  constexpr int64_t chunk = 64;
  parallel_for((n + chunk - 1) / chunk, call, [&](int64_t index, int thread) {
    auto& [positions, score] = scratches[thread];
    for (int64_t row = index * chunk; row < std::min(n, (index + 1) * chunk); ++row) {
      positions.fill(a + row * k, k);
      scores[row] = score(positions, b + row * k);
    }
  });
  return scores;
}

}  // namespace

std::vector<int64_t> common_subsequences(const int64_t* a, const int64_t* b, int64_t n, int64_t k,
                                         const Call& call) {
  return score_rows<Subsequence>(a, b, n, k, call);
}

std::vector<int64_t> edit_distances(const int64_t* a, const int64_t* b, int64_t n, int64_t k,
                                    const Call& call) {
  return score_rows<Levenshtein>(a, b, n, k, call);
}

}  // namespace mmkernels::cpu
