#include "features.hpp"

#include <algorithm>
#include <cmath>

#include "rows.hpp"

namespace mmkernels::cpu {
namespace {

// Rows per partial sum: a function of n alone.
int64_t rows_per_chunk(int64_t rows) { return std::max<int64_t>(128, (rows + 63) / 64); }

template <class Value>
double norm_of(const Value* row, int64_t n) {
  double sum = row_kernels(row).square(row, n);
  if ((sum > 1e-280 && sum < 1e280) || std::isnan(sum)) return std::sqrt(sum);
  double largest = 0;
  for (int64_t c = 0; c < n; ++c) largest = std::max<double>(largest, std::abs(row[c]));
  if (largest == 0) return 0;
  sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += (row[c] / largest) * (row[c] / largest);
  return largest * std::sqrt(sum);
}

template <class Value>
bool all_finite(const Value* row, int64_t n) {
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
  template <class Value>
  void add(int64_t chunk, const Value* row, double factor) {
    const int64_t d = origin_.size();
    row_kernels(row).add(partial_.data() + chunk * d, row, origin_.data(), factor, d);
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

}  // namespace

Features::Features(const ArrayView& array, bool unit_rows, Centre kind, const Call& call)
    : view(array), unit(unit_rows) {
  inspect(call);
  // Unit rows cannot be far from each other, and neighbours need no more of them than the mean.
  if (!usable() || (unit && kind == Centre::robust)) return;
  measure_centred(call);
  // Rows of one direction differ by their normalisation's rounding.
  if (unit && largest_ < 0x1p-48) largest_ = 0;
  if (kind == Centre::robust) leave_out_far_rows(call);
  // The smallest values of float64 have no reciprocal.
  if (largest_ > 0) scale = std::exp2(std::min(-std::ceil(std::log2(largest_)), 1023.0));
  for (double& norm : centred_norms) norm *= scale;
}

Features::Features(const ArrayView& array, const Features& frame, const Call& call)
    : view(array), unit(frame.unit) {
  inspect(call);
  centre = frame.centre;
  if (!usable() || (unit && frame.centred_norms.empty())) return;
  measure_centred(call);
  scale = frame.scale;
  for (double& norm : centred_norms) norm *= scale;
  // Packed in float32 in the candidates' scale, larger rows would overflow a product.
  overflows = largest_ * scale > 1e18;
}

bool Features::usable() const {
  return first_nonfinite < 0 && !overflows && !(unit && !zero_rows.empty());
}

RowMoments Features::pack_row(int64_t row, double* buffer, float* out) const {
  return with_row(row, buffer, [&](auto* values, double factor) {
    return row_kernels(values).pack_float(values, centre.data(), factor, scale, view.columns, out);
  });
}

RowMoments Features::pack_row(int64_t row, double* buffer, uint16_t* out) const {
  return with_row(row, buffer, [&](auto* values, double factor) {
    return row_kernels(values).pack_bfloat16(values, centre.data(), factor, scale, view.columns,
                                             out);
  });
}

void Features::read_plain(int64_t row, double* out) const {
  read_row(view, row, out);
  if (!unit) return;
  // Divided, not multiplied with 1 / |x|: a value over itself is 1, and ties stay ties.
  const double norm = norms[row];
  for (int64_t c = 0; c < view.columns; ++c) out[c] /= norm;
}

void Features::inspect(const Call& call) {
  const int64_t n = view.rows, d = view.columns;
  norms.assign(n, 0.0);
  std::vector<double> origin(d);
  const auto measure = [&](int64_t i, double* buffer) {
    if (const float* values = float_row(view, i)) {
      norms[i] = norm_of(values, d);
    } else if (const double* wide = double_row(view, i)) {
      norms[i] = norm_of(wide, d);
    } else {
      read_row(view, i, buffer);
      norms[i] = norm_of(static_cast<const double*>(buffer), d);
    }
  };
  if (n) {
    measure(0, origin.data());
    if (!unit || norms[0] > 0) read_plain(0, origin.data());
  }
  const int64_t chunk = rows_per_chunk(n), chunks = (n + chunk - 1) / chunk;
  MeanOfRows mean(chunks, std::move(origin));
  std::vector<int64_t> bad(chunks, -1);
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for(chunks, call, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      measure(i, row.data());
      if (unit && norms[i] == 0) continue;
      with_row(i, row.data(), [&](auto* values, double factor) {
        if (!std::isfinite(norms[i]) && bad[index] < 0 && !all_finite(values, d)) bad[index] = i;
        mean.add(index, values, factor);
      });
    }
  });
  for (int64_t row : bad)
    if (row >= 0 && first_nonfinite < 0) first_nonfinite = row;
  if (unit) {
    for (int64_t i = 0; i < n; ++i)
      if (norms[i] == 0) zero_rows.push_back(i);
  } else {
    for (double norm : norms) overflows |= !(norm < 1e150);
  }
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
      with_row(i, row.data(),
               [&](auto* values, double factor) { mean.add(index, values, factor); });
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
    std::vector<double>& buffer = buffers[thread];
    buffer.resize(2 * d);
    double* centred = buffer.data() + d;
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      centre_row(i, buffer.data(), centred);
      centred_norms[i] = norm_of(static_cast<const double*>(centred), d);
    }
  });
  largest_ = 0;
  for (double norm : centred_norms) largest_ = std::max(largest_, norm);
}

double Features::centre_norm() const {
  return norm_of(centre.data(), static_cast<int64_t>(centre.size()));
}

std::vector<double> Features::along_centre(const Call& call) const {
  const int64_t n = view.rows, d = view.columns;
  const double length = centre_norm();
  std::vector<double> products(n, 0.0), direction(centre);
  if (length == 0) return products;
  for (double& value : direction) value /= length;
  const int64_t chunk = rows_per_chunk(n);
  std::vector<std::vector<double>> buffers(call.threads);
  parallel_for((n + chunk - 1) / chunk, call, [&](int64_t index, int thread) {
    std::vector<double>& buffer = buffers[thread];
    buffer.resize(2 * d);
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      centre_row(i, buffer.data(), buffer.data() + d);
      const double* centred = buffer.data() + d;
      products[i] = scale * tile_kernels().of_doubles.dot(direction.data(), centred, d);
    }
  });
  return products;
}

// out = x_i - centre; buffer holds d values.
void Features::centre_row(int64_t row, double* buffer, double* out) const {
  const int64_t d = view.columns;
  std::fill(out, out + d, 0.0);
  with_row(row, buffer, [&](auto* values, double factor) {
    row_kernels(values).add(out, values, centre.data(), factor, d);
  });
}

const Panels& Features::panels(const Call& call) const {
  std::lock_guard lock(packing_);
  if (!panels_.data) panels_ = pack_panels(*this, false, call);
  return panels_;
}

const std::vector<float>& Features::half_norms(const Call& call) const {
  const Panels& packed = panels(call);
  std::lock_guard lock(packing_);
  if (half_norms_.empty()) {
    std::vector<float> half(packed.count * kPanel);
    parallel_for(packed.count, call, [&](int64_t index, int) {
      alignas(64) float tile[kTile];
      packed.multiply(index, packed, index, tile);
      for (int r = 0; r < kPanel; ++r) half[index * kPanel + r] = tile[r * kPanel + r] / 2;
    });
    half_norms_ = std::move(half);  // only whole: a call may be stopped in between
  }
  return half_norms_;
}

}  // namespace mmkernels::cpu
