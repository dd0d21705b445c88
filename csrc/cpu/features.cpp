#include "features.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rows.hpp"

namespace mmkernels::cpu {
namespace {

// Rows per partial sum: a function of n alone.
int64_t rows_per_chunk(int64_t rows) { return std::max<int64_t>(128, (rows + 63) / 64); }

double norm_of(const double* row, int64_t n) {
  double sum = tile_kernels().dot_double(row, row, n);
  if ((sum > 1e-280 && sum < 1e280) || std::isnan(sum)) return std::sqrt(sum);
  double largest = 0;
  for (int64_t c = 0; c < n; ++c) largest = std::max(largest, std::abs(row[c]));
  if (largest == 0) return 0;
  sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += (row[c] / largest) * (row[c] / largest);
  return largest * std::sqrt(sum);
}

bool all_finite(const double* row, int64_t n) {
  for (int64_t c = 0; c < n; ++c)
    if (!std::isfinite(row[c])) return false;
  return true;
}

// Sums float64 rows over a fixed division of the samples, so that the order of additions does not
// depend on the number of threads; few enough partial sums that they stay small beside the input.
class MeanOfRows {
 public:
  MeanOfRows(int64_t chunks, std::vector<double> origin)
      : origin_(std::move(origin)), partial_(chunks * origin_.size(), 0.0), counts_(chunks, 0) {}

  // Differences to one of the rows are summed, not the rows: a constant feature then has exactly
  // its own value as mean, and a large common offset costs no digits.
  void add(int64_t chunk, const double* row, double factor) {
    const int64_t d = origin_.size();
    tile_kernels().add_row(partial_.data() + chunk * d, row, origin_.data(), factor, d);
    ++counts_[chunk];
  }

  std::vector<double> mean() const {
    const size_t d = origin_.size();
    std::vector<double> mean(d, 0.0);
    int64_t count = 0;
    for (size_t chunk = 0; chunk < counts_.size(); ++chunk) {
      count += counts_[chunk];
      for (size_t c = 0; c < d; ++c) mean[c] += partial_[chunk * d + c];
    }
    for (size_t c = 0; c < d; ++c) mean[c] = origin_[c] + mean[c] / static_cast<double>(count);
    return mean;
  }

 private:
  const std::vector<double> origin_;
  std::vector<double> partial_;
  std::vector<int64_t> counts_;
};

float round_up(double value) {
  return std::nextafter(static_cast<float>(value), std::numeric_limits<float>::infinity());
}

}  // namespace

Features::Features(const ArrayView& array, bool unit_rows, Centre kind, const Call& call)
    : view(array), unit(unit_rows) {
  inspect(call);
  if (!usable() || unit) return;  // unit rows cannot be far from each other
  measure_centred(call);
  if (kind == Centre::robust) leave_out_far_rows(call);
  if (largest_ > 0) scale = std::exp2(-std::ceil(std::log2(largest_)));
  for (double& norm : centred_norms) norm *= scale;
}

Features::Features(const ArrayView& array, const Features& frame, const Call& call)
    : view(array), unit(frame.unit) {
  inspect(call);
  centre = frame.centre;
  if (!usable() || unit) return;
  measure_centred(call);
  scale = frame.scale;
  for (double& norm : centred_norms) norm *= scale;
  // Packed in float32 in the candidates' scale, larger rows would overflow a product.
  overflows = largest_ * scale > 1e18;
}

bool Features::usable() const {
  return first_nonfinite < 0 && !overflows && !(unit && !zero_rows.empty());
}

double Features::read_unscaled(int64_t row, double* out) const {
  read_row(view, row, out);
  if (!unit) return 1;
  const double norm = norms[row];
  if (norm > 1e-300) return 1 / norm;
  for (int64_t c = 0; c < view.columns; ++c) out[c] /= norm;
  return 1;
}

void Features::read_plain(int64_t row, double* out) const {
  read_row(view, row, out);
  if (!unit) return;
  // Divided, not multiplied with 1 / |x|: a value over itself is 1, and ties stay ties.
  const double norm = norms[row];
  for (int64_t c = 0; c < view.columns; ++c) out[c] /= norm;
}

void Features::read_centred(int64_t row, double* out) const {
  const double factor = read_unscaled(row, out);
  tile_kernels().centre_row(out, centre.data(), factor, scale, view.columns);
}

void Features::inspect(const Call& call) {
  const int64_t n = view.rows, d = view.columns;
  norms.assign(n, 0.0);
  const auto norm_and_read = [&](int64_t i, double* row) {
    read_row(view, i, row);
    norms[i] = norm_of(row, d);
    if (unit && norms[i] <= 1e-300 && norms[i] > 0) return read_unscaled(i, row);
    return unit && norms[i] > 0 ? 1 / norms[i] : 1.0;
  };
  std::vector<double> origin(d);
  if (n) {
    const double factor = norm_and_read(0, origin.data());
    for (double& value : origin) value *= factor;
  }
  const int64_t chunk = rows_per_chunk(n), chunks = (n + chunk - 1) / chunk;
  MeanOfRows mean(chunks, std::move(origin));
  std::vector<int64_t> bad(chunks, -1);
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(chunks, call, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      const double factor = norm_and_read(i, row.data());
      if (!std::isfinite(norms[i]) && bad[index] < 0 && !all_finite(row.data(), d)) bad[index] = i;
      mean.add(index, row.data(), factor);
    }
  });
  for (int64_t row : bad)
    if (row >= 0 && first_nonfinite < 0) first_nonfinite = row;
  for (int64_t i = 0; i < n; ++i)
    if (norms[i] == 0) zero_rows.push_back(i);
  if (!unit)
    for (double norm : norms) overflows |= !(norm < 1e150);
  centre = mean.mean();
}

std::vector<double> Features::mean_of_near_rows(const std::vector<double>& distances, double limit,
                                                const Call& call) const {
  const int64_t n = view.rows, d = view.columns;
  int64_t first = 0;
  while (distances[first] > limit) ++first;
  std::vector<double> origin(d);
  read_plain(first, origin.data());
  const int64_t chunk = rows_per_chunk(n), chunks = (n + chunk - 1) / chunk;
  MeanOfRows mean(chunks, std::move(origin));
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(chunks, call, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      if (distances[i] > limit) continue;
      const double factor = read_unscaled(i, row.data());
      mean.add(index, row.data(), factor);
    }
  });
  return mean.mean();
}

void Features::leave_out_far_rows(const Call& call) {
  // Each round drops the rows that stand out; what they had moved the centre by is then gone, and
  // rows that stood out less show. A few rounds reach far into a heavy tail.
  for (int round = 0; round < 4; ++round) {
    std::vector<double> sorted(centred_norms);
    std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
    const double limit = 4 * sorted[sorted.size() / 2];
    if (!(largest_ > limit) || limit == 0) return;
    centre = mean_of_near_rows(centred_norms, limit, call);
    measure_centred(call);
  }
}

// |x_i - centre|, not yet scaled.
void Features::measure_centred(const Call& call) {
  const int64_t n = view.rows, d = view.columns;
  centred_norms.assign(n, 0.0);
  const int64_t chunk = rows_per_chunk(n);
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for((n + chunk - 1) / chunk, call, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      read_centred(i, row.data());
      centred_norms[i] = norm_of(row.data(), d);
    }
  });
  largest_ = 0;
  for (double norm : centred_norms) largest_ = std::max(largest_, norm);
}

// round(row, words) rounds the d values of a centred row into `words` words and returns a bound on
// the norm of what was lost.
template <class Word, class Round>
PackedRows Features::pack(int64_t words, Word* out, const Call& call, Round&& round) const {
  const int64_t n = view.rows, d = view.columns, count = (n + kPanel - 1) / kPanel;
  PackedRows rows{std::vector<double>(n), std::vector<double>(n), std::vector<float>(n)};
  std::vector<double> scaled_centre(centre);
  for (double& value : scaled_centre) value *= scale;
  struct Buffer {
    std::vector<double> row;
    std::vector<Word> rounded;  // the rows of one panel, each contiguous
  };
  std::vector<Buffer> buffers(call.threads);
  parallel_for(count, call, [&](int64_t index, int thread) {
    Buffer& buffer = buffers[thread];
    buffer.row.assign(d + 1, 0.0);
    buffer.rounded.assign(words * kPanel, 0);
    const int64_t first = index * kPanel, last = std::min(n, first + kPanel);
    for (int64_t i = first; i < last; ++i) {
      double* row = buffer.row.data();
      read_centred(i, row);
      rows.norms[i] = norm_of(row, d);
      rows.centre_products[i] = tile_kernels().dot_double(row, scaled_centre.data(), d);
      rows.residuals[i] = round_up(round(row, buffer.rounded.data() + (i - first) * words));
    }
    Word* panel = out + index * words * kPanel;
    for (int64_t w = 0; w < words; ++w)
      for (int r = 0; r < kPanel; ++r) panel[w * kPanel + r] = buffer.rounded[r * words + w];
  });
  return rows;
}

const Panels& Features::panels(const Call& call) const {
  std::lock_guard lock(packing_);
  if (panels_.data) return panels_;
  const int64_t d = view.columns, count = (view.rows + kPanel - 1) / kPanel;
  Panels packed{d, count, make_aligned<float>(count * d * kPanel), {}};
  packed.rows = pack(d, packed.data.get(), call, [&](const double* row, float* out) {
    tile_kernels().round_float(row, out, d);
    // At most half a unit in the last place of each value, or of the smallest normal number.
    return 0x1p-24 * norm_of(row, d) + static_cast<double>(d) * 0x1p-149;
  });
  panels_ = std::move(packed);
  return panels_;
}

const BFloatPanels& Features::bfloat_panels(const Call& call) const {
  std::lock_guard lock(packing_);
  if (bfloat_panels_.data) return bfloat_panels_;
  const int64_t d = view.columns, count = (view.rows + kPanel - 1) / kPanel, pairs = (d + 1) / 2;
  BFloatPanels packed{pairs, count, make_aligned<uint32_t>(count * pairs * kPanel), {}};
  packed.rows = pack(pairs, packed.data.get(), call, [&](const double* row, uint32_t* out) {
    // Two values to a word, the earlier one in the low half; an odd last one meets zero.
    return std::sqrt(tile_kernels().round_bfloat16(row, out, d));
  });
  bfloat_panels_ = std::move(packed);
  return bfloat_panels_;
}

const std::vector<float>& Features::half_norms(const Call& call) const {
  const Panels& packed = panels(call);
  std::lock_guard lock(packing_);
  if (half_norms_.empty()) {
    half_norms_.resize(packed.count * kPanel);
    parallel_for(packed.count, call, [&](int64_t index, int) {
      alignas(64) float tile[kTile];
      tile_kernels().multiply(packed.panel(index), packed.panel(index), packed.depth, tile);
      for (int r = 0; r < kPanel; ++r) half_norms_[index * kPanel + r] = tile[r * kPanel + r] / 2;
    });
  }
  return half_norms_;
}

}  // namespace mmkernels::cpu
