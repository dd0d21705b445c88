// Neighbours of rows that stay in host memory: the device holds two parts of them at a time.
//
// Every pair of parts meets once; then each part is finished against all others. Rows so travel
// (parts + 3) / 2 times for the first and `parts` times for the second. Lists and bounds of all rows
// stay on the device.
#pragma once

#include "knn.hpp"

namespace mmkernels::cuda {

struct StreamedSearch {
  NeighborSearch search;
  int64_t part_rows;
  NeighborPart parts[2];  // what is loaded in each place
  char* given[2];         // [part_rows][columns] of the rows' type
  uint16_t* values[2];
  double* exact;     // [part_rows][capacity]
  int64_t* indices;  // [part_rows][k], of the part that is being finished
  double* scores;
};

// part_rows is a multiple of 128. Device memory: a list of 8 (4 k + 160) bytes (on the Hopper path
// 2048 at least) and 70 bytes for each row, and for each row of a part (item + 2) d twice, and as much
// as a list and 16 k.
StreamedSearch take_streamed_search(int64_t rows, int64_t columns, Type type, Metric metric, int k,
                                    int64_t part_rows, Path path, Workspace& workspace);

// What the host has measured of the usable rows: norms as given, their centre, and a bound on the
// largest distance from it (0 where all rows are equal).
void start_streamed(const StreamedSearch& streamed, const double* norms, const double* centre,
                    double largest, Stream stream);

// Copies rows [first, first + count), contiguous in host memory, to a place, and packs them.
void load_part(StreamedSearch& streamed, int place, int64_t first, int64_t count, const void* rows,
               Stream stream);

// Offers the candidates of the two places, or of one place, to one another.
void meet_places(const StreamedSearch& streamed, int queries, int candidates, Stream stream);

// Scores the rows in place 0 against those in a place; parts of candidates come in order.
void score_places(const StreamedSearch& streamed, int candidates, Stream stream);

// The results of the rows in place 0, to host memory.
void finish_part(const StreamedSearch& streamed, int64_t* indices, double* scores, Stream stream);

}  // namespace mmkernels::cuda
