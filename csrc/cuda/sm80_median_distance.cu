// An exact median without the n x n distances. Non-negative floats sort like their bit patterns, so
// a pass over all pairs that counts patterns, in bins over a range of them, tells where the two
// middle ones are. A sample of pairs gives a range that is likely to hold both and narrow enough for
// one pattern a bin; if it is not, two more passes from the full range find them for certain, and
// nothing is done in them if it is.
#include <cmath>

#include "block_sums.cuh"
#include "gram_tiles.cuh"

namespace mmkernels::cuda {

// Patterns from `first` on in bins of 2^shift.
struct MedianSearch::Range {
  uint64_t below;  // how many patterns are lower than `first`
  int64_t rank;    // of the pattern that is sought
  uint32_t first;
  int shift;
  int found;  // `first` is the one
  int reserved;
};

namespace {

constexpr int kThreads = 256;
constexpr int kBinBits = 18, kBins = 1 << kBinBits;
constexpr int kFullShift = 31 - kBinBits;
constexpr int kPasses = 3;
constexpr int64_t kSampleTiles = 64;
// Of the ranks of a sample, about the middle: where the middle of all is expected.
constexpr double kMargin = 0.02;

using Range = MedianSearch::Range;

// Both ranks may be sought in the same range: the first one's counts serve both.
__device__ __forceinline__ bool same_range(const Range* ranges) {
  return !ranges[0].found && !ranges[1].found && ranges[0].first == ranges[1].first &&
         ranges[0].shift == ranges[1].shift;
}

__global__ void start_search(MedianSearch search, int64_t pairs) {
  if (ptx::thread() < 2) {
    const int64_t rank = pairs > 0 ? (pairs - 1 + ptx::thread()) / 2 : 0;
    search.ranges[ptx::thread()] = {0, rank, 0, kFullShift, 0, 0};
  }
}

// Counts what falls in the ranges, of every `stride`-th tile.
template <class Tier>
__global__ __launch_bounds__(kTileThreads, 1) void count_patterns(KernelMatrix matrix,
                                                                  MedianSearch search,
                                                                  TileSchedule schedule,
                                                                  int64_t stride) {
  constexpr int parts = kTileRows / Tier::kColumns;
  const bool same = same_range(search.ranges);
  uint32_t first[2];
  int shift[2];
  for (int t = 0; t < 2; ++t) {
    const Range& range = search.ranges[t];
    // All patterns are below a range in which nothing is counted.
    first[t] = range.found || (t && same) ? 0xffffffffu : range.first;
    shift[t] = range.shift;
  }
  const bool nothing = search.ranges[0].found && search.ranges[1].found;
  const int64_t count = nothing ? 0 : schedule.count() * parts;
  int below[2] = {0, 0};
  double all_below[2] = {0, 0};
  int last = -1, run = 0;
  const auto flush = [&] {
    if (run > 0) ptx::atomic_add(search.histogram + last, static_cast<uint64_t>(run));
  };
  for (int64_t index = ptx::block() * stride; index < count; index += ptx::blocks() * stride) {
    const TileSchedule::Tile tile = schedule.at(index / parts);
    if (!tile.owned) continue;
    const int64_t row = tile.row * kTileRows;
    const int64_t column = tile.column * kTileRows + index % parts * Tier::kColumns;
    typename TileOf<Tier>::Sums values;
    multiply_split<Tier>(matrix.operand, row, column, ptx::shared(), values);
    to_squared_distances<TileOf<Tier>>(TileVector<TileOf<Tier>>(matrix.own_products, row, column), values);
    const TileExtent<TileOf<Tier>> extent(matrix.features.view.rows, row, column);
    for_values<TileOf<Tier>>(values, [&](float value, int, int, int, int r, int c) {
      if (!extent.holds(r, c) || extent.repeats(r, c)) return;
      const uint32_t bits = ptx::float_bits(value);
#pragma unroll
      for (int t = 0; t < 2; ++t) {
        if (bits < first[t]) {
          ++below[t];
          continue;
        }
        const uint32_t bin = (bits - first[t]) >> shift[t];
        if (bin >= kBins) continue;
        const int at = t * kBins + static_cast<int>(bin);
        if (at != last) {
          flush();
          last = at;
          run = 0;
        }
        ++run;
      }
    });
    for (int t = 0; t < 2; ++t) {
      all_below[t] += below[t];
      below[t] = 0;
    }
    ptx::sync_threads();
  }
  flush();
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  for (int t = 0; t < 2; ++t) {
    const double sum = sum_of_block(all_below[t], slots);  // of integers, so without rounding
    if (ptx::thread() == 0 && sum > 0)
      ptx::atomic_add(&search.ranges[t].below, static_cast<uint64_t>(sum));
  }
}

// The bin of a histogram that holds a rank, or kBins where none does: by one block, which reads
// what `prefix` shares: its threads' counts, added up.
__device__ int find_bin(const uint64_t* histogram, int64_t rank, int64_t* prefix, int* bin) {
  constexpr int each = kBins / kThreads;
  const uint64_t* mine = histogram + ptx::thread() * each;
  int64_t sum = 0;
  for (int b = 0; b < each; ++b) sum += static_cast<int64_t>(mine[b]);
  ptx::sync_threads();
  prefix[ptx::thread()] = sum;
  if (ptx::thread() == 0) *bin = kBins;
  ptx::sync_threads();
  int64_t before = 0;
  for (int t = 0; t < ptx::thread(); ++t) before += prefix[t];
  if (before <= rank && rank < before + sum) {
    int b = 0;
    while (before + static_cast<int64_t>(mine[b]) <= rank) before += static_cast<int64_t>(mine[b++]);
    *bin = ptx::thread() * each + b;
  }
  ptx::sync_threads();
  return *bin;
}

constexpr size_t kFindBytes = kThreads * sizeof(int64_t) + sizeof(int64_t);

// From the counts of a sample over the full range, where the middle of all is looked for.
__global__ __launch_bounds__(kThreads) void choose_range(MedianSearch search) {
  auto* prefix = reinterpret_cast<int64_t*>(ptx::shared());
  auto* bin = reinterpret_cast<int*>(prefix + kThreads);
  int64_t sum = 0;
  for (int b = ptx::thread(); b < kBins; b += kThreads)
    sum += static_cast<int64_t>(search.histogram[b]);
  const double count = sum_of_block(static_cast<double>(sum), reinterpret_cast<double*>(prefix));
  const int64_t low = static_cast<int64_t>((0.5 - kMargin) * (count - 1));
  const int64_t high = static_cast<int64_t>((0.5 + kMargin) * (count - 1)) + 1;
  const int from = find_bin(search.histogram, low, prefix, bin);
  const int to = find_bin(search.histogram, high < count ? high : static_cast<int64_t>(count) - 1,
                          prefix, bin);
  if (ptx::thread() != 0) return;
  int shift = 0;
  // An empty sample has no bins, and leaves the full range.
  if (from == kBins || to == kBins) return;
  while (static_cast<uint32_t>(to + 1 - from) << kFullShift >> shift >= static_cast<uint32_t>(kBins))
    ++shift;
  for (int t = 0; t < 2; ++t) {
    search.ranges[t].first = static_cast<uint32_t>(from) << kFullShift;
    search.ranges[t].shift = shift;
    search.ranges[t].below = 0;
  }
}

__global__ __launch_bounds__(kThreads) void narrow_ranges(MedianSearch search) {
  auto* prefix = reinterpret_cast<int64_t*>(ptx::shared());
  auto* bin = reinterpret_cast<int*>(prefix + kThreads);
  const bool same = same_range(search.ranges);
  const int64_t below[2] = {
      static_cast<int64_t>(search.ranges[0].below),
      static_cast<int64_t>(search.ranges[same ? 0 : 1].below),
  };
  for (int t = 0; t < 2; ++t) {
    const Range range = search.ranges[t];
    if (range.found) continue;
    const int at = find_bin(search.histogram + (t && !same ? kBins : 0), range.rank - below[t], prefix,
                            bin);
    if (ptx::thread() != 0) continue;
    Range& next = search.ranges[t];
    next.below = 0;
    if (at == kBins) {
      next.first = 0;
      next.shift = kFullShift;
    } else {
      next.first = range.first + (static_cast<uint32_t>(at) << range.shift);
      next.found = range.shift == 0;
      next.shift = 0;
    }
  }
}

__global__ void write_median(KernelMatrix matrix, MedianSearch search) {
  if (ptx::thread() != 0) return;
  double sum = 0;
  for (int t = 0; t < 2; ++t) sum += std::sqrt(double{ptx::bits_float(search.ranges[t].first)});
  matrix.state->bandwidth = sum / 2 / split_scale(matrix.features);
}

}  // namespace

MedianSearch take_median_search(bool wanted, Workspace& workspace) {
  return {workspace.take<Range>(wanted ? 2 : 0), workspace.take<uint64_t>(wanted ? 2 * kBins : 0)};
}

void find_median_distance(const KernelMatrix& matrix, const MedianSearch& search, Stream stream) {
  const int64_t n = matrix.features.view.rows, panels = matrix.panels();
  const TileSchedule schedule{panels, 0, farthest_distance(panels), kGramHeight};
  const auto count = [&](int64_t stride) {
    fill(search.histogram, 0, 2 * kBins * sizeof(uint64_t), stream);
    with_tier(matrix.precision, [&](auto tier) {
      using Tier = decltype(tier);
      const int64_t tiles = schedule.count() * (kTileRows / Tier::kColumns) / stride + 1;
      launch("count_patterns", count_patterns<Tier>, tiles < kMostGramBlocks ? tiles : kMostGramBlocks,
             kTileThreads, TileOf<Tier>::kSharedBytes, stream, matrix, search, schedule, stride);
    });
  };
  launch("start_search", start_search, 1, 32, 0, stream, search, n * (n - 1) / 2);
  count(schedule.count() / kSampleTiles + 1);
  launch("choose_range", choose_range, 1, kThreads, kFindBytes, stream, search);
  for (int pass = 0; pass < kPasses; ++pass) {
    count(1);
    launch("narrow_ranges", narrow_ranges, 1, kThreads, kFindBytes, stream, search);
  }
  launch("write_median", write_median, 1, 32, 0, stream, matrix, search);
}

}  // namespace mmkernels::cuda
