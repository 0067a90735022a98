// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::geometry {

// See geometry/consensus.h.
template <fastcv::geometry::Residual kind, class T>
fastcv::geometry::Consensus consensus(const T* model, fastcv::geometry::Columns<T> columns, T threshold,
                                      double score_to_beat);

template <fastcv::geometry::Residual kind>
void normal_equations(const double* model, fastcv::geometry::Columns<double> columns, double threshold,
                      fastcv::geometry::NormalEquations* out);

}  // namespace fastcv::FASTCV_ISA::geometry
