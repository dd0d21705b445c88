// Both dynamic programmes advance 64 cells of a column at a time, as bits of a word: neighbouring
// cells differ by 0 or 1 (subsequences; Hyyro 2004) or by -1, 0 or 1 (distances; Myers 1999,
// Hyyro 2003), and one addition carries a difference down the word. Indices within a list are
// distinct, so that the mask of matches that these algorithms look up per symbol has one bit at
// most, the position of the symbol in the other list. Lists of one word compare all with all, which
// takes few vectors; longer ones look positions up.
#include "sequences.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "list_positions.hpp"
#include "tile_kernels.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int kBits = 64;
// Rows whose columns advance together: each step waits for the one before it, another row's not.
constexpr int kTogether = 4;
using Masks = uint64_t[kTogether][kBits];

int64_t words_of(int64_t k) { return (k + kBits - 1) / kBits; }

// The length of the longest common subsequence. Bit i of a column is zero where the length grows
// from cell i - 1 to cell i; with M the mask of matches, the next column is
// (V + (V & M)) | (V & ~M).
struct Subsequence {
  std::vector<uint64_t> words;

  explicit Subsequence(int64_t k) : words(words_of(k)) {}

  static void of_masks(const Masks& masks, int64_t k, int64_t* lengths) {
    uint64_t columns[kTogether];
    std::fill_n(columns, kTogether, ~uint64_t{0});
    for (int64_t j = 0; j < k; ++j)
      for (int row = 0; row < kTogether; ++row) {
        const uint64_t column = columns[row], matched = column & masks[row][j];
        columns[row] = (column + matched) | (column - matched);
      }
    for (int row = 0; row < kTogether; ++row) lengths[row] = kBits - std::popcount(columns[row]);
  }

  int64_t of_positions(ListPositions& positions, const int64_t* b, int64_t k) {
    std::fill(words.begin(), words.end(), ~uint64_t{0});
    for (int64_t j = 0; j < k; ++j) {
      const int64_t position = positions.find(b[j]);
      if (position >= 0) match(position);
    }
    int64_t ones = 0;
    for (uint64_t word : words) ones += std::popcount(word);
    return static_cast<int64_t>(words.size()) * kBits - ones;
  }

  // One match, so that what the addition carries is at most one bit from word to word.
  void match(int64_t position) {
    uint64_t* word = words.data() + position / kBits;
    const uint64_t bit = uint64_t{1} << position % kBits;
    if (!(*word & bit)) return;
    const uint64_t sum = *word + bit;
    bool carry = sum < bit;
    *word = sum | (*word & ~bit);
    for (const uint64_t* end = words.data() + words.size(); carry && ++word < end;) {
      const uint64_t next = *word + 1;
      carry = next == 0;
      *word |= next;
    }
  }
};

// The Levenshtein distance: the top of the last column, k insertions, and the differences below it.
struct Distance {
  // Bits of the rows whose cell is 1 more, or 1 less, than the cell above.
  struct Column {
    uint64_t up = ~uint64_t{0}, down = 0;
  };
  // Whether a cell is 1 more, or 1 less, than the cell to its left.
  struct Step {
    uint64_t up, down;
  };
  static constexpr Step kInsertion{1, 0};

  std::vector<Column> columns;

  explicit Distance(int64_t k) : columns(words_of(k)) {}

  static void of_masks(const Masks& masks, int64_t k, int64_t* distances) {
    Column columns[kTogether];
    for (int64_t j = 0; j < k; ++j)
      for (int row = 0; row < kTogether; ++row) advance(columns[row], masks[row][j], kInsertion);
    for (int row = 0; row < kTogether; ++row) distances[row] = k + difference(columns[row], k);
  }

  int64_t of_positions(ListPositions& positions, const int64_t* b, int64_t k) {
    std::fill(columns.begin(), columns.end(), Column{});
    for (int64_t j = 0; j < k; ++j) {
      // Counted down to the word it is in; -1 is in none.
      int64_t position = positions.find(b[j]);
      Step step = kInsertion;
      for (Column& column : columns) {
        const bool here = position >= 0 && position < kBits;
        step = advance(column, here ? uint64_t{1} << position : 0, step);
        position -= kBits;
      }
    }
    int64_t distance = k;
    for (const Column& column : columns) {
      distance += difference(column, k);
      k -= kBits;
    }
    return distance;
  }

  // Of the cell in the last of `rows` rows to the cell above the first.
  static int64_t difference(const Column& column, int64_t rows) {
    const uint64_t within = ~uint64_t{0} >> (kBits - std::min<int64_t>(rows, kBits));
    return std::popcount(column.up & within) - std::popcount(column.down & within);
  }

  // The next column, below a step between the cells above it; returns the step of its last row.
  static Step advance(Column& column, uint64_t match, Step above) {
    const uint64_t vertical = match | column.down;
    match |= above.down;
    const uint64_t diagonal = (((match & column.up) + column.up) ^ column.up) | match;
    uint64_t up = column.down | ~(diagonal | column.up);
    uint64_t down = column.up & diagonal;
    const Step below{up >> (kBits - 1), down >> (kBits - 1)};
    up = up << 1 | above.up;
    down = down << 1 | above.down;
    column = {down | ~(vertical | up), up & vertical};
    return below;
  }
};

// What Score says of the two lists, row by row.
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
    const int64_t first = index * chunk, last = std::min(n, first + chunk);
    auto& [positions, score] = scratches[thread];
    if (k > kBits) {
      for (int64_t row = first; row < last; ++row) {
        positions.fill(a + row * k);
        scores[row] = score.of_positions(positions, b + row * k, k);
      }
      return;
    }
    Masks masks{};
    int64_t found[kTogether];
    for (int64_t row = first; row < last; row += kTogether) {
      const int64_t rows = std::min<int64_t>(kTogether, last - row);
      for (int64_t i = 0; i < rows; ++i)
        tile_kernels().match(a + (row + i) * k, b + (row + i) * k, k, masks[i]);
      Score::of_masks(masks, k, found);
      std::copy_n(found, rows, scores.begin() + row);
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
  return score_rows<Distance>(a, b, n, k, call);
}

}  // namespace mmkernels::cpu
