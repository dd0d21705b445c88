#include "exact_scores.hpp"

#include <algorithm>
#include <limits>

namespace mmkernels::cpu {

ScoreFrame score_frame(const Features& features, const PackedRows& packed, const Order& order,
                       const Features& candidates, Metric metric) {
  const int64_t n = features.view.rows, d = features.view.columns;
  const int64_t padded = panel_count(n) * kPanel;
  const double scale = candidates.scale;
  ScoreFrame frame;
  frame.factor = scale * scale * (metric == Metric::euclidean ? 0.5 : 1.0);
  frame.bias.assign(padded, -std::numeric_limits<float>::infinity());
  frame.norm = packed.lengths;
  frame.residual = packed.residuals;
  frame.tail = packed.tails;
  frame.slack.assign(padded, 0.0f);
  frame.offset.assign(n, 0.0);
  double centre_square = 0;
  for (double value : candidates.centre) centre_square += scale * value * (scale * value);
  double largest = 1;  // of the uncentred rows, in the scale of the tiles
  if (!candidates.unit) {
    largest = 0;
    for (double norm : candidates.norms) largest = std::max(largest, scale * norm);
  }
  const double float64_error = (static_cast<double>(d) + 16) * 0x1p-52;
  for (int64_t i = 0; i < n; ++i) {
    const double norm = packed.norms[i];
    const double plain = candidates.unit ? 1.0 : scale * features.norms[row_at(order, i)];
    // The float64 score errs with the size of its terms, the centred row with that of the
    // uncentred ones it came from.
    double bias, terms;
    if (metric == Metric::euclidean) {
      bias = -0.5 * norm * norm;
      frame.offset[i] = bias;
      terms = (norm + 1) * (norm + 1 + plain + largest);
    } else {
      bias = packed.centre_products[i];
      frame.offset[i] = bias + centre_square;
      terms = (plain + largest) * largest;
    }
    frame.bias[i] = static_cast<float>(bias);
    frame.slack[i] = round_up(4 * float64_error * terms);
  }
  return frame;
}

}  // namespace mmkernels::cpu
