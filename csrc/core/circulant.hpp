// The order in which blocks of rows meet: every unordered pair once, equal work for every block.
//
// Panel i visits panels i, i + 1, ..., i + P / 2 (mod P). For even P the pair (i, i + P / 2) would
// be met from both ends, so only i < P / 2 visits it. A strip is a run of neighbouring panels that
// share each visited panel while it is in the cache.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace mmkernels {

struct Strip {
  int64_t first, last;  // panels [first, last)
};

// Panels per strip: as many as fit three quarters of a megabyte, about what the second-level cache of
// a server's core holds beside the visited panel, but enough strips to share among threads. A
// function of the problem alone, so that results do not depend on threads.
inline int64_t panels_per_strip(int64_t panels, int64_t panel_bytes) {
  const int64_t fit = 768 * 1024 / std::max<int64_t>(panel_bytes, 1);
  return std::clamp<int64_t>(std::min(fit, panels / 16), 1, 8);
}

// The i-th of `count` panels in an order that jumps over the samples by about a golden section:
// samples sorted by similarity then do not arrive each better than all before it.
class ScatteredOrder {
 public:
  explicit ScatteredOrder(int64_t count)
      : count_(count), step_(std::max<int64_t>(1, count * 0.618)) {
    while (std::gcd(step_, count_) > 1) ++step_;
  }
  int64_t operator()(int64_t i) const { return i * step_ % count_; }

 private:
  const int64_t count_;
  int64_t step_;
};

inline int64_t strip_count(int64_t panels, int64_t per_strip) {
  return (panels + per_strip - 1) / per_strip;
}

inline Strip strip_at(int64_t index, int64_t panels, int64_t per_strip) {
  return {index * per_strip, std::min(panels, (index + 1) * per_strip)};
}

// Calls visit(i, j) for every pair that the strip's panels own whose distance, j - i modulo the
// panels, is in [nearest, farthest); i == j is the diagonal, and panels / 2 the largest distance.
template <class Visit>
void visit_strip(Strip strip, int64_t panels, int64_t nearest, int64_t farthest, Visit&& visit) {
  const int64_t half = panels / 2, height = strip.last - strip.first;
  farthest = std::min(farthest, half + 1);
  for (int64_t offset = nearest; offset < height - 1 + farthest; ++offset) {
    const int64_t j = (strip.first + offset) % panels;
    for (int64_t i = strip.first; i < strip.last; ++i) {
      const int64_t distance = offset - (i - strip.first);
      if (distance < nearest || distance >= farthest) continue;
      if (2 * distance == panels && i >= half) continue;
      visit(i, j);
    }
  }
}

template <class Visit>
void visit_strip(Strip strip, int64_t panels, Visit&& visit) {
  visit_strip(strip, panels, 0, panels, visit);
}

}  // namespace mmkernels
