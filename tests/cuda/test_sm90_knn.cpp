#include "neighbor_searches.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using namespace mmkernels::testing;

TEST(hopper_smoke) {
  check_neighbors(testing::normal(130, 33, 5), nullptr, Metric::cosine, 4, "normal", Path::hopper);
}
