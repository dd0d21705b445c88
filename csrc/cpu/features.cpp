#include "features.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "rows.hpp"

namespace mmkernels::cpu {
namespace {

// Rows per partial sum. Depends on n alone, so that the order of additions does not depend on the
// number of threads; few enough partial sums that they stay small beside the input.
int64_t rows_per_chunk(int64_t rows) { return std::max<int64_t>(128, (rows + 63) / 64); }

double norm_of(const double* row, int64_t n) {
  double sum = tile_kernels().dot_double(row, row, n);
  if (sum > 1e-280 && sum < 1e280) return std::sqrt(sum);
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

// To nearest, ties to even. Magnitudes stay below 1e18, so nothing rounds to infinity.
uint32_t bfloat16_bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

}  // namespace

Features::Features(const ArrayView& array, bool unit_rows, Centre kind, const Call& call)
    : view(array), unit(unit_rows) {
  inspect(call);
  if (!usable()) return;
  centre = mean_of_rows(call, [](int64_t) { return true; });
  measure_centred(call);
  if (kind == Centre::robust) leave_out_far_rows(call);
  if (largest_ > 0) scale = std::exp2(-std::ceil(std::log2(largest_)));
  for (double& norm : centred_norms) norm *= scale;
}

Features::Features(const ArrayView& array, const Features& frame, const Call& call)
    : view(array), unit(frame.unit) {
  inspect(call);
  centre = frame.centre;
  if (!usable()) return;
  measure_centred(call);
  scale = frame.scale;
  for (double& norm : centred_norms) norm *= scale;
  // Packed in float32 in the candidates' scale, larger rows would overflow a product.
  overflows = largest_ * scale > 1e18;
}

bool Features::usable() const {
  return first_nonfinite < 0 && !overflows && !(unit && first_zero >= 0);
}

void Features::read_plain(int64_t row, double* out) const {
  read_row(view, row, out);
  if (!unit) return;
  const double norm = norms[row];
  for (int64_t c = 0; c < view.columns; ++c) out[c] /= norm;
}

void Features::read_centred(int64_t row, double* out) const {
  read_plain(row, out);
  for (int64_t c = 0; c < view.columns; ++c) out[c] = (out[c] - centre[c]) * scale;
}

void Features::inspect(const Call& call) {
  const int64_t n = view.rows, d = view.columns;
  norms.assign(n, 0.0);
  const int64_t chunk = rows_per_chunk(n), chunks = (n + chunk - 1) / chunk;
  std::vector<int64_t> bad(chunks, -1);
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(chunks, call, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      read_row(view, i, row.data());
      norms[i] = norm_of(row.data(), d);
      if (!std::isfinite(norms[i]) && bad[index] < 0 && !all_finite(row.data(), d)) bad[index] = i;
    }
  });
  for (int64_t row : bad)
    if (row >= 0 && first_nonfinite < 0) first_nonfinite = row;
  for (int64_t i = 0; i < n; ++i)
    if (norms[i] == 0) zero_rows.push_back(i);
  if (!zero_rows.empty()) first_zero = zero_rows.front();
  if (!unit)
    for (double norm : norms) overflows |= !(norm < 1e150);
}

template <class Include>
std::vector<double> Features::mean_of_rows(const Call& call, Include&& include) const {
  const int64_t n = view.rows, d = view.columns;
  int64_t first = 0, count = 0;
  for (int64_t i = n - 1; i >= 0; --i)
    if (include(i)) {
      first = i;
      ++count;
    }
  // Differences to one of the rows are averaged, not the rows: a constant feature then has exactly
  // its own value as mean, and a large common offset costs no digits.
  std::vector<double> origin(d);
  read_plain(first, origin.data());
  const int64_t chunk = rows_per_chunk(n), chunks = (n + chunk - 1) / chunk;
  std::vector<double> partial(chunks * d, 0.0);
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(chunks, call, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    double* sum = partial.data() + index * d;
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      if (!include(i)) continue;
      read_plain(i, row.data());
      for (int64_t c = 0; c < d; ++c) sum[c] += row[c] - origin[c];
    }
  });
  std::vector<double> mean(d, 0.0);
  for (int64_t index = 0; index < chunks; ++index)
    for (int64_t c = 0; c < d; ++c) mean[c] += partial[index * d + c];
  for (int64_t c = 0; c < d; ++c) mean[c] = origin[c] + mean[c] / static_cast<double>(count);
  return mean;
}

void Features::leave_out_far_rows(const Call& call) {
  // Each round drops the rows that stand out; what they had moved the centre by is then gone, and
  // rows that stood out less show. A few rounds reach far into a heavy tail.
  for (int round = 0; round < 4; ++round) {
    std::vector<double> sorted(centred_norms);
    std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
    const double limit = 4 * sorted[sorted.size() / 2];
    if (!(largest_ > limit) || limit == 0) return;
    const std::vector<double> previous = centred_norms;
    centre = mean_of_rows(call, [&](int64_t row) { return previous[row] <= limit; });
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

const Panels& Features::panels(const Call& call) const {
  std::lock_guard lock(packing_);
  if (panels_.data) return panels_;
  const int64_t n = view.rows, d = view.columns, count = (n + kPanel - 1) / kPanel;
  Panels packed{n, d, count, make_aligned<float>(static_cast<size_t>(count) * d * kPanel)};
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(count, call, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    float* panel = packed.data.get() + index * d * kPanel;
    for (int r = 0; r < kPanel; ++r) {
      const int64_t i = index * kPanel + r;
      if (i < n) {
        read_centred(i, row.data());
        for (int64_t c = 0; c < d; ++c) panel[c * kPanel + r] = static_cast<float>(row[c]);
      } else {
        for (int64_t c = 0; c < d; ++c) panel[c * kPanel + r] = 0;
      }
    }
  });
  panels_ = std::move(packed);
  return panels_;
}

const BFloatPanels& Features::bfloat_panels(const Call& call) const {
  std::lock_guard lock(packing_);
  if (bfloat_panels_.data) return bfloat_panels_;
  const int64_t n = view.rows, d = view.columns, count = (n + kPanel - 1) / kPanel;
  const int64_t pairs = (d + 1) / 2;
  BFloatPanels packed{n, pairs, count, make_aligned<uint32_t>(count * pairs * kPanel),
                      std::vector<float>(count * kPanel, 0.0f)};
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(count, call, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.assign(2 * pairs, 0.0);
    uint32_t* panel = packed.data.get() + index * pairs * kPanel;
    for (int r = 0; r < kPanel; ++r) {
      const int64_t i = index * kPanel + r;
      double lost = 0;
      if (i < n) read_centred(i, row.data());
      for (int64_t p = 0; p < pairs; ++p) {
        uint32_t word = 0;
        if (i < n)
          for (int half = 0; half < 2; ++half) {
            const double value = row[2 * p + half];
            const uint32_t bits = bfloat16_bits(static_cast<float>(value));
            const double difference = value - std::bit_cast<float>(bits << 16);
            lost += difference * difference;
            word |= bits << (16 * half);
          }
        panel[p * kPanel + r] = word;
      }
      packed.residual[i] = std::nextafter(static_cast<float>(std::sqrt(lost)), 1.0f);
    }
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
