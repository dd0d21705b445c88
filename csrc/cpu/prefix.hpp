// Leading coordinates of rows, with a bound on what the others can add to a product.
//
// With V some orthonormal directions and t_i >= the norm of c_i outside them,
//   V c_i . V c_j - t_i t_j <= c_i . c_j <= V c_i . V c_j + t_i t_j.
// Packed with one coordinate more, q_i = (V c_i, t_i), a product is the upper end itself, and the
// lower end is 2 t_i t_j below.
#pragma once

#include <memory>

#include "features.hpp"
#include "knn.hpp"
#include "principal_axes.hpp"

namespace mmkernels::cpu {

// The directions with which a search for `queries` rows is estimated to be cheapest; null where
// that is the product of all coordinates.
std::unique_ptr<PrincipalAxes> choose_prefix(const Features& candidates, int64_t queries,
                                             Metric metric, int64_t k, bool bfloat16,
                                             const Call& call);

// The coordinates of a row along a few leading directions.
struct Location {
  static constexpr int kDirections = 8;
  float along[kDirections];
};

// Halves the rows at the median of the direction along which they spread most, again and again, so
// that a panel holds rows that are alike and its neighbours those next alike.
Order neighborly_order(const std::vector<Location>& locations);

// With an order to fill, rows that are alike are packed near each other and it says where.
Panels pack_prefix(const Features& features, const PrincipalAxes& axes, bool bfloat16,
                   const Call& call, Order* order = nullptr);

}  // namespace mmkernels::cpu
