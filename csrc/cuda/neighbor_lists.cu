// Lists of candidates between rounds: cut to those that may be among the k best of what was seen.
#include <cfloat>

#include "neighbor_lists.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;

__global__ void start(NeighborLists lists, int64_t rows) {
  const int64_t row = ptx::block() * kThreads + ptx::thread();
  if (row >= lists.rows) return;
  lists.counts[row] = 0;
  lists.limits[row] = row < rows ? -FLT_MAX : INFINITY;
}

// A warp for a row. The limit is the k-th largest of what scores are at least, so that at least k
// candidates are no worse; a candidate stays if its score may be as large.
__global__ void cut(NeighborOperand rows, NeighborOperand columns, NeighborLists lists, int k,
                    int64_t first, int64_t last) {
  const int64_t row = first + ptx::block() * kWarps + ptx::thread() / 32;
  if (row >= last) return;
  const int lane = ptx::thread() % 32;
  const int count = lists.counts[row];
  if (lists.limits[row] == INFINITY) return;
  if (count > lists.capacity) {
    // Which of the candidates found room was a matter of timing: none of them is used.
    if (lane == 0) {
      lists.limits[row] = INFINITY;
      lists.counts[row] = 0;
    }
    return;
  }
  Candidate* entries = lists.entries + row * lists.capacity;
  uint32_t* at_least = reinterpret_cast<uint32_t*>(ptx::shared()) +
                       static_cast<int64_t>(ptx::thread() / 32) * lists.capacity;
  const RowBounds own = rows.bounds[row];
  const float g = rows.sum_error;
  for (int c = lane; c < count; c += 32) {
    const RowBounds& other = columns.bounds[entries[c].position];
    at_least[c] =
        ordered(entries[c].score - (score_error(own, other, g) + score_gap(own, other)));
  }
  if (count < k) return;
  // Limits of exact scores may be higher.
  const float least =
      std::fmax(unordered(kth_largest(at_least, count, k)), lists.limits[row]);
  const int kept = keep_reaching(entries, count, own, columns.bounds, g, least);
  if (lane == 0) {
    lists.counts[row] = kept;
    lists.limits[row] = least;
  }
}

}  // namespace

void start_lists(const NeighborSearch& search, Stream stream) {
  const NeighborLists& lists = search.lists;
  launch("start_lists", start, (lists.rows + kThreads - 1) / kThreads, kThreads, 0, stream, lists,
         search.query_rows.rows);
}

void cut_lists(const NeighborSearch& search, const NeighborPart& part, Stream stream) {
  launch("cut_lists", cut, (part.count + kWarps - 1) / kWarps, kThreads,
         sizeof(uint32_t) * kWarps * search.lists.capacity, stream, search.query_rows,
         search.candidate_rows, search.lists, search.k, part.first, part.first + part.count);
}

}  // namespace mmkernels::cuda
