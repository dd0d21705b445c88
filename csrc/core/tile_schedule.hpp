// Which pairs of row blocks a launch multiplies, and in which order, as a function of a number: the
// circulant order of circulant.hpp, for back ends in which nobody walks it.
#pragma once

#include <cstdint>

#include "anywhere.hpp"

namespace mmkernels {

// Panel i visits i, i + 1, ... i + panels / 2, modulo the panels; a launch takes the distances from
// `nearest` to before `farthest`. Runs of `height` neighbouring panels visit together, the same
// distance after one another, so that tiles at work at the same time share their operands.
struct TileSchedule {
  int64_t panels, nearest, farthest, height;

  struct Tile {
    int64_t row, column;
    bool owned;  // false: of an even number of panels, the pair halfway round is met from both ends
  };

  MMKERNELS_ANYWHERE int64_t count() const { return panels * (farthest - nearest); }

  MMKERNELS_ANYWHERE Tile at(int64_t index) const {
    const int64_t width = farthest - nearest;
    const int64_t strip = index / (height * width);
    const int64_t first = strip * height;
    const int64_t tall = panels - first < height ? panels - first : height;
    const int64_t within = index - first * width;
    const int64_t distance = nearest + within / tall;
    const int64_t row = first + within % tall;
    // No distance is as far as all around.
    const int64_t column = row + distance - (row + distance < panels ? 0 : panels);
    return {row, column, !(2 * distance == panels && row >= panels / 2)};
  }
};

// All pairs of a block of rows and one of columns, in runs as above.
struct TileRectangle {
  int64_t rows, columns, height;

  MMKERNELS_ANYWHERE int64_t count() const { return rows * columns; }

  MMKERNELS_ANYWHERE TileSchedule::Tile at(int64_t index) const {
    const int64_t first = index / (height * columns) * height, within = index - first * columns;
    const int64_t tall = rows - first < height ? rows - first : height;
    return {first + within % tall, within / tall, true};
  }
};

// One more than the largest distance.
MMKERNELS_ANYWHERE inline int64_t farthest_distance(int64_t panels) { return panels / 2 + 1; }

}  // namespace mmkernels
