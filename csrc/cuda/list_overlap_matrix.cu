#include <algorithm>
#include <cmath>

#include "index_table.cuh"
#include "list_overlap.hpp"

namespace mmkernels::cuda {
namespace {

constexpr int kLayers = 32;       // of a side of a launch: bits of a word
constexpr int64_t kTabled = 2048;  // indices in a table at most, 64 KiB
constexpr int64_t kRows = 128;    // of a block

// What kernels read of an OverlapMatrix.
struct OverlapMatrixView {
  int64_t rows;
  int64_t lefts, rights;
  int k;
  uint64_t* counts;
  int* unusable;
};

// The lists of a launch, by value: nothing is copied to the device for it.
struct Layers {
  IndexLists lists[kLayers];
  int first, count;  // which of its side's
};

// Lane a gets bit a of all lanes' words, lane by lane.
__device__ __forceinline__ uint32_t transposed(uint32_t word) {
  const int lane = ptx::thread() % 32;
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    const uint32_t low = ~0u / ((1u << distance) + 1);
    const uint32_t other = ptx::shuffle_xor(word, distance);
    word = lane & distance ? (word & ~low) | (other >> distance & low)
                           : (word & low) | (other << distance & ~low);
  }
  return word;
}

// Sets the bit; whether it was set.
__device__ __forceinline__ bool set_before(uint32_t* word, int bit) {
  return static_cast<uint32_t>(ptx::atomic_or(reinterpret_cast<int*>(word), 1 << bit)) >> bit & 1;
}

// A block for some rows, one after another.
__global__ void count_overlaps(OverlapMatrixView matrix, Layers left, Layers right, int bits) {
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  const int threads = ptx::threads(), k = matrix.k;
  const IndexTable table{reinterpret_cast<uint64_t*>(ptx::shared()), bits};
  auto* holders = reinterpret_cast<uint32_t*>(table.keys + table.places());  // left layers
  uint32_t* seekers = holders + table.places();                              // right layers
  auto* counts = reinterpret_cast<int*>(seekers + table.places());           // [right][left]
  for (int i = ptx::thread(); i < kLayers * kLayers; i += threads) counts[i] = 0;
  const int64_t first = ptx::block() * kRows;
  const int64_t last = first + kRows < matrix.rows ? first + kRows : matrix.rows;
  for (int64_t row = first; row < last; ++row) {
    for (int place = ptx::thread(); place < table.places(); place += threads) {
      table.keys[place] = kFreePlace;
      holders[place] = seekers[place] = 0;
    }
    ptx::sync_threads();
    for (int i = ptx::thread(); i < left.count * k; i += threads) {
      const int layer = i / k;
      const int64_t index = left.lists[layer].indices[row * left.lists[layer].pitch + i % k];
      if (!usable_index(index)) {
        matrix.unusable[left.first + layer] = 1;
        continue;
      }
      int which = 0;
      while (set_before(&holders[table.claim(occurrence(index, which))], layer)) ++which;
    }
    ptx::sync_threads();
    for (int layer = warp; layer < right.count; layer += threads / 32) {
      const int64_t* list = right.lists[layer].indices + row * right.lists[layer].pitch;
      int common = 0;
      for (int start = 0; start < k; start += 32) {
        uint32_t in = 0;
        if (start + lane < k) {
          const int64_t index = list[start + lane];
          if (!usable_index(index)) {
            matrix.unusable[matrix.lefts + right.first + layer] = 1;
          } else {
            for (int which = 0;; ++which) {
              const int place = table.find(occurrence(index, which));
              if (place < 0) break;
              if (set_before(&seekers[place], layer)) continue;
              in = holders[place];
              break;
            }
          }
        }
        common += ptx::count_bits(transposed(in));
      }
      counts[layer * kLayers + lane] += common;
    }
    ptx::sync_threads();
  }
  for (int layer = warp; layer < right.count; layer += threads / 32)
    if (lane < left.count && counts[layer * kLayers + lane])
      ptx::atomic_add(
          &matrix.counts[(left.first + lane) * matrix.rights + right.first + layer],
          static_cast<uint64_t>(counts[layer * kLayers + lane]));
}

constexpr int kThreads = 256;

__global__ void finish_scores(OverlapMatrixView matrix, bool symmetric, double* scores) {
  const int64_t at = ptx::block() * kThreads + ptx::thread();
  if (at >= matrix.lefts * matrix.rights) return;
  const int64_t a = at / matrix.rights, b = at % matrix.rights;
  const bool swap = symmetric && a > b;
  const uint64_t common = matrix.counts[swap ? b * matrix.rights + a : at];
  const bool unusable =
      matrix.unusable[a] || matrix.unusable[symmetric ? b : matrix.lefts + b];
  scores[at] = unusable ? NAN
                        : static_cast<double>(common) /
                              (static_cast<double>(matrix.rows) * static_cast<double>(matrix.k));
}

Layers layers_of(const std::vector<IndexLists>& lists, int first, int most) {
  Layers layers{};
  layers.first = first;
  layers.count = std::min<int>(most, static_cast<int>(lists.size()) - first);
  std::copy_n(lists.begin() + first, layers.count, layers.lists);
  return layers;
}

}  // namespace

OverlapMatrix take_overlap_matrix(std::vector<IndexLists> left, std::vector<IndexLists> right,
                                  bool symmetric, int64_t rows, int k, Workspace& workspace) {
  OverlapMatrix matrix{std::move(left), std::move(right), symmetric, rows, k, nullptr, nullptr};
  const auto lefts = static_cast<int64_t>(matrix.left.size());
  const auto rights = static_cast<int64_t>(matrix.right.size());
  matrix.counts = workspace.take<uint64_t>(lefts * rights);
  matrix.unusable = workspace.take<int>(lefts + rights);
  return matrix;
}

void score_overlaps(const OverlapMatrix& matrix, double* scores, Stream stream) {
  const int lefts = static_cast<int>(matrix.left.size());
  const int rights = static_cast<int>(matrix.right.size());
  const OverlapMatrixView view{matrix.rows, lefts, rights, matrix.k, matrix.counts, matrix.unusable};
  fill(matrix.counts, 0, sizeof(uint64_t) * lefts * rights, stream);
  fill(matrix.unusable, 0, sizeof(int) * (lefts + rights), stream);
  const int tabled = static_cast<int>(std::clamp<int64_t>(kTabled / matrix.k, 1, kLayers));
  for (int a = 0; a < lefts; a += tabled) {
    const Layers left = layers_of(matrix.left, a, tabled);
    // The layers before this group have met it in their own.
    for (int b = matrix.symmetric ? a : 0; b < rights; b += kLayers) {
      const Layers right = layers_of(matrix.right, b, kLayers);
      const int64_t wanted = std::max(left.count * matrix.k, right.count * 32);
      const int threads = static_cast<int>(std::min<int64_t>((wanted + 31) / 32 * 32, kThreads));
      const int bits = table_bits(static_cast<int64_t>(left.count) * matrix.k);
      const size_t bytes = ((sizeof(uint64_t) + 2 * sizeof(uint32_t)) << bits) +
                           sizeof(int) * kLayers * kLayers;
      launch("count_overlaps", count_overlaps, (matrix.rows + kRows - 1) / kRows, threads, bytes,
             stream, view, left, right, bits);
    }
  }
  launch("finish_scores", finish_scores,
         (static_cast<int64_t>(lefts) * rights + kThreads - 1) / kThreads, kThreads, 0, stream, view,
         matrix.symmetric, scores);
}

}  // namespace mmkernels::cuda
