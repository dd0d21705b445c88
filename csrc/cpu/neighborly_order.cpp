#include <algorithm>

#include "prefix.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int kDirections = Location::kDirections;

struct Located {
  Location at;
  int64_t row;
};

int widest_direction(const Located* first, const Located* last) {
  double sum[kDirections] = {}, squares[kDirections] = {};
  for (const Located* point = first; point != last; ++point)
    for (int v = 0; v < kDirections; ++v) {
      sum[v] += point->at.along[v];
      squares[v] += static_cast<double>(point->at.along[v]) * point->at.along[v];
    }
  int widest = 0;
  double most = -1;
  for (int v = 0; v < kDirections; ++v) {
    const double spread = squares[v] - sum[v] * sum[v] / static_cast<double>(last - first);
    if (spread > most) most = spread, widest = v;
  }
  return widest;
}

void halve(Located* first, Located* last) {
  const int64_t panels = panel_count(last - first);
  if (panels < 2) return;
  const int direction = widest_direction(first, last);
  Located* middle = first + panels / 2 * kPanel;
  std::nth_element(first, middle, last, [&](const Located& a, const Located& b) {
    return a.at.along[direction] < b.at.along[direction] ||
           (a.at.along[direction] == b.at.along[direction] && a.row < b.row);
  });
  halve(first, middle);
  halve(middle, last);
}

}  // namespace

Order neighborly_order(const std::vector<Location>& locations) {
  std::vector<Located> points;
  points.reserve(locations.size());
  for (const Location& location : locations)
    points.push_back({location, static_cast<int64_t>(points.size())});
  halve(points.data(), points.data() + points.size());
  Order order;
  order.reserve(points.size());
  for (const Located& point : points) order.push_back(point.row);
  return order;
}

}  // namespace mmkernels::cpu
