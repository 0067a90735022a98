// SPDX-License-Identifier: Apache-2.0
// Calls the leaf for this processor.
#include "geometry/consensus.h"

#define FASTCV_LEAF "geometry/consensus.leaf.h"
#include "core/leaf.h"

namespace fastcv::geometry {

template <Residual kind, class T>
Consensus consensus(const T* model, Columns<T> columns, T threshold, double score_to_beat) {
  FASTCV_DISPATCH(geometry::consensus<kind>(model, columns, threshold, score_to_beat));
}

template <Residual kind>
void normal_equations(const double* model, Columns<double> columns, double threshold, NormalEquations* out) {
  FASTCV_DISPATCH(geometry::normal_equations<kind>(model, columns, threshold, out));
}

#define FASTCV_INSTANTIATE(kind)                                                      \
  template Consensus consensus<kind>(const float*, Columns<float>, float, double);    \
  template Consensus consensus<kind>(const double*, Columns<double>, double, double); \
  template void normal_equations<kind>(const double*, Columns<double>, double, NormalEquations*)
FASTCV_INSTANTIATE(Residual::sampson);
FASTCV_INSTANTIATE(Residual::transfer);
FASTCV_INSTANTIATE(Residual::reprojection);
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::geometry
