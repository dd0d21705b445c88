// What the environment says of kernels: which family, and how it cuts its work.
#include <cstdlib>
#include <string>

#include "check.hpp"
#include "path.hpp"
#include "tiling.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;

namespace {

// Sets a variable for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

template <class Call>
std::string complaint(Call&& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST(the_path_is_general_unless_hopper_is_asked_for) {
  unsetenv("MMKERNELS_CUDA_PATH");
  CHECK(chosen_path() == Path::general);
  for (auto [text, path] :
       {std::pair{"", Path::general}, {"general", Path::general}, {"sm90", Path::hopper}}) {
    const Variable set("MMKERNELS_CUDA_PATH", text);
    CHECK(chosen_path() == path, text);
  }
  const Variable set("MMKERNELS_CUDA_PATH", "sm_90");
  CHECK(complaint(chosen_path) == "MMKERNELS_CUDA_PATH is 'sm_90'; it must be general or sm90.");
}

TEST(a_tiling_is_what_is_set_and_else_built_in) {
  unsetenv("MMKERNELS_CUDA_TILING");
  const Tiling built_in = chosen_tiling();
  CHECK(built_in.knn_blocks == 2 && built_in.knn_resident == 256);
  const Variable set("MMKERNELS_CUDA_TILING", "knn_blocks=1,gram_blocks=1,knn_resident=0");
  const Tiling tiling = chosen_tiling();
  CHECK(tiling.knn_blocks == 1 && tiling.gram_blocks == 1 && tiling.knn_resident == 0);
  CHECK(tiling.knn_strip == built_in.knn_strip);
}

TEST(a_tiling_that_cannot_be_is_refused) {
  for (const char* text : {"knn_blocks", "knn_blocks=", "knn_blocks=3", "knn_blocks=1x", "blocks=1",
                           "=1", ",", "knn_blocks=99999999999999999999", "knn_strip=-1"}) {
    const Variable set("MMKERNELS_CUDA_TILING", text);
    const std::string said = complaint(chosen_tiling);
    CHECK(said.starts_with("MMKERNELS_CUDA_TILING has '"), text, said);
    CHECK(said.find("knn_blocks 1 to 2") != said.npos, text, said);
  }
}
