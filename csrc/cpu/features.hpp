// One set of embeddings, made ready for tiles: checked, centred in float64, scaled, packed.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "../core/array_view.hpp"
#include "panels.hpp"
#include "rows.hpp"

namespace mmkernels::cpu {

// What rows are centred by. Anything but the mean would do for distances and for neighbours, and
// `robust` takes the mean of the rows that are not far from all others: one sample a million
// spreads away would otherwise move the mean, and cost all the others their digits.
enum class Centre { mean, robust };

class Features {
 public:
  // Reads the array: finiteness, norms, and the centre of the rows (of the unit rows when `unit`
  // is set). The array must outlive this object.
  Features(const ArrayView& view, bool unit, Centre centre, const Call& call);

  // Candidates' frame for another set of rows: queries are centred by the same mean.
  Features(const ArrayView& view, const Features& frame, const Call& call);

  const ArrayView view;
  const bool unit;

  // What is wrong with the rows. Nothing below means anything unless they are usable: all finite,
  // not too large, and none of them zero where unit rows are asked for.
  int64_t first_nonfinite = -1;  // -1: none
  std::vector<int64_t> zero_rows;  // where unit rows are asked for
  bool overflows = false;  // squared norms exceed float64, or the candidates' scale
  bool usable() const;

  std::vector<double> norms;  // |x_i| of the rows as given
  std::vector<double> centre;  // of x_i, or of x_i / |x_i|

  // The packed rows are c_i = scale (x_i - centre), scale a power of two that brings the largest
  // |c_i| to (1/2, 1]; it is 1 where all rows are equal, and for unit rows about a robust centre.
  double scale = 1;
  std::vector<double> centred_norms;  // |c_i| in float64; not for those

  bool constant() const { return largest_ == 0; }
  double centre_norm() const;
  // c_i . centre / |centre| of every row, in float64; 0 where the centre is.
  std::vector<double> along_centre(const Call& call) const;

  // In float32, packed on first use; safe from several threads.
  const Panels& panels(const Call& call) const;

  // |c_i|^2 / 2 of the packed rows, padded with zeros, summed as the tiles sum products: equal
  // rows then are at distance exactly 0.
  const std::vector<float>& half_norms(const Call& call) const;

  // body(values, factor), where factor times the values, float32 or float64, is x_i (unit:
  // x_i / |x_i|): the row in place if it can be read there, else in the buffer of d values.
  template <class Body>
  auto with_row(int64_t row, double* buffer, Body&& body) const;

  // out = x_i (unit: x_i / |x_i|).
  void read_plain(int64_t row, double* out) const;

  // Rounds c_i to out and returns its moments; buffer holds d values.
  RowMoments pack_row(int64_t row, double* buffer, float* out) const;
  RowMoments pack_row(int64_t row, double* buffer, uint16_t* out) const;

 private:
  void inspect(const Call& call);
  void measure_centred(const Call& call);
  void centre_row(int64_t row, double* buffer, double* out) const;
  void leave_out_far_rows(const Call& call);
  std::vector<double> mean_of_near_rows(const std::vector<double>& distances, double limit,
                                        const Call& call) const;

  double largest_ = 0;
  mutable std::mutex packing_;
  mutable Panels panels_;
  mutable std::vector<float> half_norms_;
};

template <class Body>
auto Features::with_row(int64_t row, double* buffer, Body&& body) const {
  const double norm = unit ? norms[row] : 1;
  if (norm > 1e-300) {
    if (const float* values = float_row(view, row)) return body(values, 1 / norm);
    if (const double* values = double_row(view, row)) return body(values, 1 / norm);
  }
  read_row(view, row, buffer);
  const double* values = buffer;
  if (norm > 1e-300) return body(values, 1 / norm);
  for (int64_t c = 0; c < view.columns; ++c) buffer[c] /= norm;
  return body(values, 1.0);
}

}  // namespace mmkernels::cpu
