// The same quantities by their definitions in long double: slow, short, and obviously right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cpu/gram.hpp"
#include "cpu/knn.hpp"
#include "samples.hpp"

namespace mmkernels::testing {

using Real = long double;
using Square = std::vector<std::vector<Real>>;

struct Neighbors {
  int64_t k;
  std::vector<int64_t> indices;
  std::vector<double> scores;
};

// What is wrong with lists of neighbours; empty where they are right. At every rank the neighbour
// must be as similar as the true one there, to within what float64 rounds; rows that hold the same
// values must come by index; with `exact` (sums without rounding) so must all that are equally
// similar. Looks at every `stride`-th list.
std::string mistake(const Neighbors& found, const Matrix& queries, const Matrix& candidates,
                    cpu::Metric metric, bool own_candidates, bool exact, int64_t stride = 1);

// Of the polynomial kernel, whose gamma is 1 / bandwidth^2.
inline constexpr int kDegree = 3;
inline constexpr double kOffset = 1;

// H K H of a kernel of features.
Square centred_kernel(const Matrix& rows, cpu::Kernel kernel, double bandwidth);

// The kernel less a constant, which changes no estimate: of centred rows, or less 1.
Square plain_kernel(const Matrix& rows, cpu::Kernel kernel, double bandwidth);

// The sum of the products of all entries, over (n - 1)^2.
Real biased_hsic_of(const Square& centred_k, const Square& centred_l);

// Song et al. 2012, equation 5, from the entries off the diagonal.
Real unbiased_hsic_of(const Square& k, const Square& l);

// The sum of the products of the entries off the diagonal, over n (n - 3).
Real lange_hsic_of(const Square& centred_k, const Square& centred_l);

Real median_distance_of(const Matrix& rows);

}  // namespace mmkernels::testing
