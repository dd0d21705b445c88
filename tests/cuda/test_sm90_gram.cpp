// The pass over two kernel matrices on Hopper's path: what it gives is what the general path gives,
// to the precision asked for.
#include "gram_scores.hpp"
#include "shim/fibers.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::Matrix;
using testing::Pass;
using testing::Score;

namespace {

void check_scores(const Matrix& x, const Matrix& y, const KernelChoice& of_k,
                  const KernelChoice& of_l, Precision precision, double tolerance) {
  testing::check_scores(x, y, of_k, of_l, precision, tolerance, Path::hopper);
}

}  // namespace

TEST(hopper_scores_of_low_precision_are_near_those_of_float64) {
  const Matrix x = testing::normal(70, 40, 3), y = testing::normal(70, 32, 4);
  for (const KernelChoice& choice :
       {KernelChoice{.kernel = Kernel::linear},
        KernelChoice{.kernel = Kernel::gaussian, .bandwidth = 9}}) {
    check_scores(x, y, choice, choice, Precision::high, 2e-5);
    check_scores(x, y, choice, choice, Precision::fast, 5e-3);
  }
}
