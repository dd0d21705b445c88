#include "prefix_searches.hpp"
#include "shim/fibers.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using namespace mmkernels::testing;

namespace {

constexpr Metric kMetrics[] = {Metric::cosine, Metric::inner_product, Metric::euclidean};

// Another one for each schedule that the tests run with.
Metric metric_of_seed() { return kMetrics[shim::control().seed % 3]; }

// The bits of a search without a prefix, which other tests hold to float64.
PrefixSearch check_same(const Matrix& x, Metric metric, int k, const char* what) {
  PrefixSearch with(x, metric, k);
  const Found without = search(x, nullptr, metric, k);
  CHECK(with.found.indices == without.indices, what, with.directions());
  CHECK(with.found.scores == without.scores, what, with.directions());
  return with;
}

}  // namespace

TEST(prefix_of_a_decaying_spectrum_is_chosen_and_finds_the_same) {
  const Matrix x = decaying(600, 128, 1);
  for (Metric metric : kMetrics) {
    const PrefixSearch with = check_same(x, metric, 5, "decaying");
    CHECK(with.directions() == 31, with.directions());
    CHECK(with.used_depth() == 32, with.used_depth());
    CHECK(with.found.overflowed == 0, with.found.overflowed);
    std::printf("listed %g\n", with.listed_on_average());
  }
}
