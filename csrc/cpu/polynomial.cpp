#include "polynomial.hpp"

#include <algorithm>
#include <cmath>

namespace mmkernels::cpu {

Polynomial::Polynomial(const Features& features, int degree, double offset, double gamma,
                       const Call& call) {
  const int64_t n = features.view.rows;
  terms_.assign(n, 0.0);
  short_terms_.assign(panel_count(n) * kPanel, 0.0f);
  powers_.assign(degree > 1 ? degree - 1 : 0, 0.0);
  short_powers_.assign(powers_.size(), 0.0f);
  if (features.constant()) return;  // every tile is 0

  const double centre = features.centre_norm();
  const std::vector<double>& norms = features.centred_norms;
  const double largest = *std::max_element(norms.begin(), norms.end()) / features.scale;
  const double base = gamma * centre * centre + offset;  // S
  const double widest_product = gamma * largest * largest;
  const double widest = 2 * gamma * centre * largest + widest_product;  // of |v|
  const double whole = std::abs(base) + widest;
  // In units of `whole`, powers of the parts cannot overflow.
  const double part = base / whole, spread = widest / whole;
  double binomial = degree;
  double bound = degree * std::pow(std::abs(part), degree - 1) * widest_product / whole;
  for (int k = 2; k <= degree; ++k) {
    binomial *= static_cast<double>(degree - k + 1) / k;
    powers_[k - 2] = binomial * std::pow(part, degree - k) * std::pow(spread, k);
    bound += std::abs(powers_[k - 2]);
  }
  const double whole_power = std::pow(whole, degree);
  usable_ = widest > 1e-290 && bound > 1e-290 && whole_power > 1e-290 && whole_power < 1e150;
  if (!usable_) return;
  unit_ = 1 / (whole_power * bound);
  for (double& power : powers_) power /= bound;
  factor_ = gamma / (widest * features.scale * features.scale);
  linear_ = degree * std::pow(part, degree - 1) / bound * gamma /
            (whole * features.scale * features.scale);
  terms_ = features.along_centre(call);
  for (double& term : terms_) term *= gamma * centre / widest / features.scale;
  std::copy(powers_.begin(), powers_.end(), short_powers_.begin());
  std::copy(terms_.begin(), terms_.end(), short_terms_.begin());
}

void Polynomial::apply(float* tile, int64_t i, int64_t j, float shift) const {
  const float *rows = short_terms_.data() + i * kPanel, *columns = short_terms_.data() + j * kPanel;
  tile_kernels().polynomial(tile, rows, columns, static_cast<float>(factor_),
                            static_cast<float>(linear_), short_powers_.data(),
                            static_cast<int>(short_powers_.size()), shift);
}

double Polynomial::value(int64_t i, int64_t j, double product) const {
  const double v = terms_[i] + terms_[j] + factor_ * product;
  double power = 0;
  for (size_t k = powers_.size(); k-- > 0;) power = power * v + powers_[k];
  return linear_ * product + v * v * power;
}

}  // namespace mmkernels::cpu
