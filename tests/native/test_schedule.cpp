#include <algorithm>
#include <vector>

#include "check.hpp"
#include "core/circulant.hpp"
#include "core/tile_schedule.hpp"

using namespace mmkernels;

TEST(schedule_meets_every_pair_once) {
  for (int64_t panels = 1; panels <= 70; ++panels)
    for (int64_t height = 1; height <= 8; ++height) {
      std::vector<int> met(panels * panels, 0), visits(panels, 0);
      int64_t first = 0;
      for (int64_t index = 0; index < strip_count(panels, height); ++index) {
        const Strip strip = strip_at(index, panels, height);
        CHECK(strip.first == first && strip.last > first && strip.last <= first + height, "panels",
              panels, "height", height);
        first = strip.last;
        visit_strip(strip, panels, [&](int64_t i, int64_t j) {
          CHECK(i >= strip.first && i < strip.last && j >= 0 && j < panels, i, j);
          ++met[std::min(i, j) * panels + std::max(i, j)];
          ++visits[i];
        });
      }
      CHECK(first == panels, "panels", panels, "height", height);
      for (int64_t i = 0; i < panels; ++i)
        for (int64_t j = i; j < panels; ++j)
          CHECK(met[i * panels + j] == 1, "panels", panels, "height", height, "pair", i, j);
      const auto [least, most] = std::minmax_element(visits.begin(), visits.end());
      CHECK(*most - *least <= 1, "panels", panels, "height", height);
    }
}

TEST(schedule_shares_the_cache_and_the_threads) {
  for (int64_t panels = 1; panels <= 4000; panels = panels * 5 / 4 + 1)
    for (const int64_t bytes : {0, 128, 1 << 12, 1 << 17, 1 << 30}) {
      const int64_t height = panels_per_strip(panels, bytes);
      CHECK(height >= 1 && height <= 8, panels, bytes);
      CHECK(height == 1 || height * bytes <= 768 * 1024, panels, bytes);
      CHECK(height == 1 || strip_count(panels, height) >= 16, panels, bytes);
    }
}

TEST(schedule_scatters_every_panel_once) {
  for (int64_t panels = 1; panels <= 300; ++panels) {
    const ScatteredOrder order(panels);
    std::vector<bool> seen(panels, false);
    for (int64_t i = 0; i < panels; ++i) {
      const int64_t panel = order(i);
      CHECK(panel >= 0 && panel < panels && !seen[panel], "panels", panels, "at", i);
      seen[panel] = true;
    }
  }
}

TEST(triangle_of_tiles_has_every_pair_once) {
  for (int64_t panels = 1; panels <= 40; ++panels)
    for (int64_t height = 1; height <= 9; ++height) {
      const TileTriangle tiles{panels, height};
      std::vector<int> met(panels * panels, 0);
      for (int64_t index = 0; index < tiles.count(); ++index) {
        const auto [row, column, owned] = tiles.at(index);
        CHECK(owned && 0 <= row && row <= column && column < panels, panels, height, index);
        ++met[row * panels + column];
      }
      for (int64_t i = 0; i < panels; ++i)
        for (int64_t j = i; j < panels; ++j)
          CHECK(met[i * panels + j] == 1, panels, height, i, j);
    }
}
