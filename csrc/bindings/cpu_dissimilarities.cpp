// Dissimilarities of all pairs of samples, and how lists of them are compared.
#include "cpu_bindings.hpp"

#include <array>

#include "../cpu/condensed_distances.hpp"
#include "../cpu/moments.hpp"
#include "../cpu/rank_correlation.hpp"

namespace mmkernels::bindings {
namespace {

py::array condensed(const Doubles& rows, const std::string& kind) {
  static const std::map<std::string, Dissimilarity> kinds{
      {"sqeuclidean", Dissimilarity::squared_euclidean},
      {"euclidean", Dissimilarity::euclidean},
      {"half_squared", Dissimilarity::half_squared},
      {"cityblock", Dissimilarity::cityblock}};
  const int64_t n = rows.shape(0), d = rows.shape(1);
  Doubles out(n * (n - 1) / 2);
  const double* values = rows.data();
  double* data = out.mutable_data();
  {
    py::gil_scoped_release unlocked;
    condensed_distances(values, n, d, kinds.at(kind), data, interruptible());
  }
  return out;
}

std::array<double, 5> list_moments(const Doubles& a, const Doubles& b, bool centred) {
  const double *left = a.data(), *right = b.data();
  const int64_t count = a.size();
  py::gil_scoped_release unlocked;
  const Moments found = moments(left, right, count, centred, interruptible());
  return {found.mean_a, found.mean_b, found.aa, found.ab, found.bb};
}

int64_t rank_in_place(Doubles values) {
  double* data = values.mutable_data();
  const int64_t count = values.size();
  py::gil_scoped_release unlocked;
  return average_ranks(data, count, interruptible());
}

std::pair<int64_t, int64_t> kendall(const Doubles& a, const Doubles& b) {
  const double *left = a.data(), *right = b.data();
  const int64_t count = a.size();
  py::gil_scoped_release unlocked;
  const KendallCounts found = kendall_counts(left, right, count, interruptible());
  return {found.tied_in_both, found.discordant};
}

}  // namespace

void bind_dissimilarities(py::module_& module) {
  module.def("condensed_distances", &condensed, py::arg("rows").noconvert(), py::arg("kind"));
  module.def("moments", &list_moments, py::arg("a").noconvert(), py::arg("b").noconvert(),
             py::arg("centred"));
  module.def("average_ranks", &rank_in_place, py::arg("values").noconvert());
  module.def("kendall_counts", &kendall, py::arg("a").noconvert(), py::arg("b").noconvert());
  module.attr("most_ranked") = kMostRanked;
}

}  // namespace mmkernels::bindings
