// Which pairs of row blocks a launch multiplies, and in which order, as a function of a number: the
// circulant order of circulant.hpp, for back ends in which nobody walks it. Numbers are of type
// Integer: of 32 bits where the machine divides them better.
#pragma once

#include <cstdint>

#include "anywhere.hpp"

namespace mmkernels {

// Panel i visits i, i + 1, ... i + panels / 2, modulo the panels; a launch takes the distances from
// `nearest` to before `farthest`. Runs of `height` neighbouring panels visit together, the same
// distance after one another, so that tiles at work at the same time share their operands.
template <class Integer>
struct TileScheduleOf {
  Integer panels, nearest, farthest, height;

  struct Tile {
    Integer row, column;
    bool owned;  // false: of an even number of panels, the pair halfway round is met from both ends
  };

  MMKERNELS_ANYWHERE Integer count() const { return panels * (farthest - nearest); }

  MMKERNELS_ANYWHERE Tile at(Integer index) const {
    const Integer width = farthest - nearest;
    const Integer strip = index / (height * width);
    const Integer first = strip * height;
    const Integer tall = panels - first < height ? panels - first : height;
    const Integer within = index - first * width;
    const Integer distance = nearest + within / tall;
    const Integer row = first + within % tall;
    // No distance is as far as all around.
    const Integer column = row + distance - (row + distance < panels ? 0 : panels);
    return {row, column, !(2 * distance == panels && row >= panels / 2)};
  }
};

// All pairs of a block of rows and one of columns, in runs as above.
template <class Integer>
struct TileRectangleOf {
  Integer rows, columns, height;
  using Tile = typename TileScheduleOf<Integer>::Tile;

  MMKERNELS_ANYWHERE Integer count() const { return rows * columns; }

  MMKERNELS_ANYWHERE Tile at(Integer index) const {
    const Integer first = index / (height * columns) * height, within = index - first * columns;
    const Integer tall = rows - first < height ? rows - first : height;
    return {first + within % tall, within / tall, true};
  }
};

using TileSchedule = TileScheduleOf<int64_t>;
using TileRectangle = TileRectangleOf<int64_t>;

// All pairs of blocks, each with itself too, the column never before the row, in runs as above.
struct TileTriangle {
  int64_t panels, height;

  MMKERNELS_ANYWHERE int64_t count() const { return panels * (panels + 1) / 2; }

  MMKERNELS_ANYWHERE TileSchedule::Tile at(int64_t index) const {
    int64_t first = 0, tall = panels < height ? panels : height;
    // Of a run: a triangle of its own, then the rectangle right of it.
    int64_t own = tall * (tall + 1) / 2, all = own + tall * (panels - tall);
    while (index >= all) {
      index -= all;
      first += tall;
      tall = panels - first < height ? panels - first : height;
      own = tall * (tall + 1) / 2;
      all = own + tall * (panels - first - tall);
    }
    if (index >= own)
      return {first + (index - own) % tall, first + tall + (index - own) / tall, true};
    int64_t column = 0;
    while (index > column) index -= ++column;
    return {first + index, first + column, true};
  }
};

// One more than the largest distance.
MMKERNELS_ANYWHERE inline int64_t farthest_distance(int64_t panels) { return panels / 2 + 1; }

}  // namespace mmkernels
