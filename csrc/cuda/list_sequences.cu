// A warp looks up where the indices of one list of a row stand in the other, 32 at a time; then a
// thread takes a row through its columns, as each waits for the one before it.
#include "list_sequences.hpp"

#include <cmath>

#include "index_table.cuh"
#include "list_sequences.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;
constexpr int kWord = 64;

__device__ __forceinline__ int sum_of_counts(int value) {
  for (int mask = 16; mask > 0; mask /= 2) value += ptx::shuffle_xor(value, mask);
  return value;
}

__device__ __forceinline__ void add_results(const ListSequences& lists, int result, bool unusable) {
  const int sum = sum_of_counts(result);
  if (unusable) *lists.unusable = 1;
  if (ptx::thread() % 32 == 0) ptx::atomic_add(lists.total, static_cast<uint64_t>(sum));
}

// Lists of one word: all indices are compared with all, whatever comes twice. `height` rows a block.
template <class Column>
__global__ void score_short(ListSequences lists, int height) {
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  const int k = lists.k, pitch = height + 1;  // rows lie across the banks, and so do columns
  auto* matches = reinterpret_cast<uint64_t*>(ptx::shared());  // [k][pitch]
  const int64_t first = ptx::block() * height;
  bool unusable = false;
  for (int r = warp; r < height && first + r < lists.rows; r += kWarps) {
    const int64_t* left = lists.left.indices + (first + r) * lists.left.pitch;
    const int64_t* right = lists.right.indices + (first + r) * lists.right.pitch;
    for (int j = lane; j < k; j += 32) {
      const int64_t sought = right[j];
      unusable = unusable || !usable_index(sought) || !usable_index(left[j]);
      uint64_t match = 0;
      for (int i = 0; i < k; ++i) match |= static_cast<uint64_t>(left[i] == sought) << i;
      matches[j * pitch + r] = match;
    }
  }
  ptx::sync_threads();
  int result = 0;
  const int row = ptx::thread();
  if (row < height && first + row < lists.rows) {
    Column column;
    column.start();
    for (int j = 0; j < k; ++j)
      column.advance([&](int) { return matches[j * pitch + row]; });
    result = column.result(k);
  }
  add_results(lists, result, unusable);
}

// Longer lists: a table tells where an index stands, -1 where it does not.
template <class Column>
__global__ void score_long(ListSequences lists, int height, int bits) {
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  const int k = lists.k, pitch = height + 2;
  auto* keys = reinterpret_cast<uint64_t*>(ptx::shared());
  auto* places = reinterpret_cast<int*>(keys + (kWarps << bits));
  auto* positions = reinterpret_cast<int16_t*>(places + (kWarps << bits));  // [k][pitch]
  const IndexTable table{keys + (warp << bits), bits};
  places += warp << bits;
  const int64_t first = ptx::block() * height;
  bool unusable = false;
  for (int r = warp; r < height && first + r < lists.rows; r += kWarps) {
    const int64_t* left = lists.left.indices + (first + r) * lists.left.pitch;
    const int64_t* right = lists.right.indices + (first + r) * lists.right.pitch;
    for (int place = lane; place < table.places(); place += 32) {
      table.keys[place] = kFreePlace;
      places[place] = -1;
    }
    ptx::sync_warp();
    for (int i = lane; i < k; i += 32) {
      if (usable_index(left[i]))
        ptx::atomic_max(&places[table.claim(occurrence(left[i], 0))], i);
      else
        unusable = true;
    }
    ptx::sync_warp();
    for (int j = lane; j < k; j += 32) {
      const bool asked = usable_index(right[j]);
      unusable = unusable || !asked;
      const int place = asked ? table.find(occurrence(right[j], 0)) : -1;
      positions[j * pitch + r] = static_cast<int16_t>(place < 0 ? -1 : places[place]);
    }
    ptx::sync_warp();
  }
  ptx::sync_threads();
  int result = 0;
  const int row = ptx::thread();
  if (row < height && first + row < lists.rows) {
    Column column;
    column.start();
    for (int j = 0; j < k; ++j) {
      const int position = positions[j * pitch + row];
      column.advance([&](int word) {
        return position >= 0 && position / kWord == word ? uint64_t{1} << position % kWord
                                                         : uint64_t{0};
      });
    }
    result = column.result(k);
  }
  add_results(lists, result, unusable);
}

__global__ void finish_score(ListSequences lists, SequenceScore score_of, double* score) {
  if (ptx::thread() != 0) return;
  const auto n = static_cast<uint64_t>(lists.rows), k = static_cast<uint64_t>(lists.k);
  const double value =
      score_of == SequenceScore::subsequence
          ? static_cast<double>(*lists.total) / static_cast<double>(n)
          : static_cast<double>(n * k - *lists.total) / static_cast<double>(n * k);
  *score = *lists.unusable ? NAN : value;
}

// Rows of a block: as many as threads, or as leave others of the blocks their shared memory.
int rows_of_block(int k, int bytes_of_row) {
  int height = kThreads;
  while (height > 32 && k * bytes_of_row * (height + 2) > 32 * 1024) height /= 2;
  return height;
}

template <template <int> class Column>
void add_scores(const ListSequences& lists, Stream stream) {
  const int k = lists.k;
  const auto blocks = [&](int height) { return (lists.rows + height - 1) / height; };
  if (k <= kWord) {
    const int height = rows_of_block(k, sizeof(uint64_t));
    launch("score_short", score_short<Column<1>>, blocks(height), kThreads,
           sizeof(uint64_t) * k * (height + 1), stream, lists, height);
    return;
  }
  const int height = rows_of_block(k, sizeof(int16_t)), bits = table_bits(k);
  const size_t bytes = ((kWarps * (sizeof(uint64_t) + sizeof(int))) << bits) +
                       sizeof(int16_t) * k * (height + 2);
  const auto start = [&](const char* name, void (*kernel)(ListSequences, int, int)) {
    launch(name, kernel, blocks(height), kThreads, bytes, stream, lists, height, bits);
  };
  if (k <= 2 * kWord) return start("score_two_words", score_long<Column<2>>);
  if (k <= 4 * kWord) return start("score_four_words", score_long<Column<4>>);
  start("score_eight_words", score_long<Column<8>>);
}

}  // namespace

ListSequences take_list_sequences(const IndexLists& left, const IndexLists& right, int64_t rows,
                                  int k, Workspace& workspace) {
  ListSequences sequences{left, right, rows, k, nullptr, nullptr};
  sequences.total = workspace.take<uint64_t>(1);
  sequences.unusable = workspace.take<int>(1);
  return sequences;
}

void score_sequences(const ListSequences& sequences, SequenceScore score_of, double* score,
                     Stream stream) {
  fill(sequences.total, 0, sizeof(uint64_t), stream);
  fill(sequences.unusable, 0, sizeof(int), stream);
  if (score_of == SequenceScore::subsequence)
    add_scores<SubsequenceColumn>(sequences, stream);
  else
    add_scores<DistanceColumn>(sequences, stream);
  launch("finish_score", finish_score, 1, 32, 0, stream, sequences, score_of, score);
}

}  // namespace mmkernels::cuda
