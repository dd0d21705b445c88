#include "exact_scores.hpp"

#include <algorithm>
#include <limits>

namespace mmkernels::cpu {
namespace {

float round_up(double value) {
  return std::nextafter(static_cast<float>(value), std::numeric_limits<float>::infinity());
}

}  // namespace

ScoreFrame score_frame(const Features& rows, const Features& frame_of, Metric metric,
                       const std::vector<float>* residual, const Call& call) {
  const int64_t n = rows.view.rows, d = rows.view.columns;
  const int64_t padded = (n + kPanel - 1) / kPanel * kPanel;
  const double scale = rows.scale;
  ScoreFrame frame;
  frame.factor = scale * scale * (metric == Metric::euclidean ? 0.5 : 1.0);
  frame.bias.assign(padded, -std::numeric_limits<float>::infinity());
  frame.norm.assign(padded, 0.0f);
  frame.residual.assign(padded, 0.0f);
  frame.offset.assign(n, 0.0);
  frame.slack.assign(n, 0.0f);
  std::vector<double> mu(frame_of.centre);
  for (double& value : mu) value *= scale;
  const double mu_mu = tile_kernels().dot_double(mu.data(), mu.data(), d);
  double largest = 0;  // of the uncentred rows, in the scale of the tiles
  for (double norm : frame_of.norms) largest = std::max(largest, norm);
  if (frame_of.unit) largest = 1;
  largest *= scale;
  const double float64_error = (static_cast<double>(d) + 16) * 0x1p-52;

  std::vector<std::vector<double>> buffers(call.threads);
  constexpr int64_t chunk = 128;
  parallel_for((n + chunk - 1) / chunk, call, [&](int64_t index, int thread) {
    std::vector<double>& row = buffers[thread];
    row.resize(d);
    for (int64_t i = index * chunk; i < std::min(n, (index + 1) * chunk); ++i) {
      const double norm = rows.centred_norms[i];
      // Rounding to float32 loses at most 2^-24 of each value.
      frame.residual[i] = residual ? (*residual)[i] : round_up(norm * 0x1p-24);
      frame.norm[i] = round_up(norm + frame.residual[i]);
      const double plain = scale * (rows.unit ? 1.0 : rows.norms[i]);
      // The float64 score errs with the size of its terms, the centred row with that of the
      // uncentred ones it came from.
      double bias, terms;
      if (metric == Metric::euclidean) {
        bias = -0.5 * norm * norm;
        frame.offset[i] = bias;
        terms = (norm + 1) * (norm + 1 + plain + largest);
      } else {
        rows.read_centred(i, row.data());
        bias = tile_kernels().dot_double(row.data(), mu.data(), d);
        frame.offset[i] = bias + mu_mu;
        terms = (plain + largest) * largest;
      }
      frame.bias[i] = static_cast<float>(bias);
      frame.slack[i] = round_up(4 * float64_error * terms);
    }
  });
  return frame;
}

}  // namespace mmkernels::cpu
