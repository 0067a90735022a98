// SPDX-License-Identifier: Apache-2.0
// The hot loops of robust estimation: score a model, and linearise the residuals of its inliers. Sixteen lanes are
// summed apart and then in a fixed order, so every instruction set gives the same bits.
#include "geometry/columns.h"
#include "geometry/residuals.hd.h"
// The declarations come after what they mention.
#include "geometry/consensus.leaf.h"

namespace fastcv::FASTCV_ISA::geometry {

using fastcv::geometry::Columns;
using fastcv::geometry::Consensus;
using fastcv::geometry::kLanes;
using fastcv::geometry::NormalEquations;
using fastcv::geometry::Residual;

namespace {

template <Residual kind>
struct TypeOf;
template <>
struct TypeOf<Residual::sampson> {
  using type = Sampson;
};
template <>
struct TypeOf<Residual::transfer> {
  using type = Transfer;
};
template <>
struct TypeOf<Residual::reprojection> {
  using type = Reprojection;
};

template <class T>
inline double sum_lanes(const T* lanes) {
  double sums[kLanes];
  for (int k = 0; k < kLanes; ++k) sums[k] = lanes[k];
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int k = 0; k < width; ++k) sums[k] += sums[k + width];
  }
  return sums[0];
}

// kLanes correspondences from `row` on. Plain loops over local arrays, each of which becomes vector code.
template <class Type, class T>
inline void score_block(const T* model, const Columns<T>& columns, std::int64_t row, T inv_threshold2, T* scores,
                        T* counts) {
  T gains[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    T c[Type::kColumns];
    for (int k = 0; k < Type::kColumns; ++k) c[k] = columns.data[k * columns.stride + row + lane];
    gains[lane] = T(1) - Type::squared_error(model, c) * inv_threshold2;
  }
  for (int lane = 0; lane < kLanes; ++lane) scores[lane] += gains[lane] > T(0) ? gains[lane] : T(0);
  for (int lane = 0; lane < kLanes; ++lane) counts[lane] += gains[lane] > T(0) ? T(1) : T(0);
}

}  // namespace

template <Residual kind, class T>
Consensus consensus(const T* model, Columns<T> columns, T threshold, double score_to_beat) {
  using Type = typename TypeOf<kind>::type;
  constexpr std::int64_t kBlocksBetweenChecks = 8;
  T m[Type::kModel];
  for (int k = 0; k < Type::kModel; ++k) m[k] = model[k];
  const T inv_threshold2 = T(1) / (threshold * threshold);
  Consensus result{0.0, 0};
  for (std::int64_t row = 0; row < columns.rows;) {
    T scores[kLanes] = {}, counts[kLanes] = {};
    const std::int64_t end = row + kBlocksBetweenChecks * kLanes;
    for (; row < end && row < columns.rows; row += kLanes) {
      score_block<Type>(m, columns, row, inv_threshold2, scores, counts);
    }
    result.score += sum_lanes(scores);
    result.num_inliers += static_cast<std::int64_t>(sum_lanes(counts));
    if (result.score + static_cast<double>(columns.rows - row) <= score_to_beat) break;
  }
  return result;
}

template <Residual kind>
void normal_equations(const double* model, Columns<double> columns, double threshold, NormalEquations* out) {
  using Type = typename TypeOf<kind>::type;
  constexpr int kP = Type::kTangent, kR = Type::kResiduals;
  constexpr int kSums = kP * (kP + 1) / 2 + kP;
  double sums[kSums][kLanes] = {}, scores[kLanes] = {}, counts[kLanes] = {};
  const double inv_threshold2 = 1.0 / (threshold * threshold);
  for (std::int64_t row = 0; row < columns.rows; row += kLanes) {
    double r[kR][kLanes], jacobian[kR * kP][kLanes], gains[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      double c[Type::kColumns], ri[kR], ji[kR * kP], error2 = 0.0;
      for (int k = 0; k < Type::kColumns; ++k) c[k] = columns.data[k * columns.stride + row + lane];
      Type::linearize(model, c, ri, ji);
      for (int k = 0; k < kR; ++k) error2 += ri[k] * ri[k];
      gains[lane] = 1.0 - error2 * inv_threshold2;
      for (int k = 0; k < kR; ++k) r[k][lane] = gains[lane] > 0.0 ? ri[k] : 0.0;
      for (int k = 0; k < kR * kP; ++k) jacobian[k][lane] = gains[lane] > 0.0 ? ji[k] : 0.0;
    }
    for (int lane = 0; lane < kLanes; ++lane) scores[lane] += gains[lane] > 0.0 ? gains[lane] : 0.0;
    for (int lane = 0; lane < kLanes; ++lane) counts[lane] += gains[lane] > 0.0 ? 1.0 : 0.0;
    for (int k = 0; k < kR; ++k) {
      int at = 0;
      for (int i = 0; i < kP; ++i) {
        const double* left = jacobian[k * kP + i];
        for (int j = i; j < kP; ++j, ++at) {
          const double* right = jacobian[k * kP + j];
          for (int lane = 0; lane < kLanes; ++lane) sums[at][lane] += left[lane] * right[lane];
        }
      }
      for (int i = 0; i < kP; ++i, ++at) {
        for (int lane = 0; lane < kLanes; ++lane) sums[at][lane] += jacobian[k * kP + i][lane] * r[k][lane];
      }
    }
  }
  for (int k = 0; k < kP * (kP + 1) / 2; ++k) out->hessian[k] = sum_lanes(sums[k]);
  for (int k = 0; k < kP; ++k) out->gradient[k] = sum_lanes(sums[kP * (kP + 1) / 2 + k]);
  out->consensus = {sum_lanes(scores), static_cast<std::int64_t>(sum_lanes(counts))};
}

template Consensus consensus<Residual::sampson>(const float*, Columns<float>, float, double);
template Consensus consensus<Residual::sampson>(const double*, Columns<double>, double, double);
template Consensus consensus<Residual::transfer>(const float*, Columns<float>, float, double);
template Consensus consensus<Residual::transfer>(const double*, Columns<double>, double, double);
template Consensus consensus<Residual::reprojection>(const float*, Columns<float>, float, double);
template Consensus consensus<Residual::reprojection>(const double*, Columns<double>, double, double);
template void normal_equations<Residual::sampson>(const double*, Columns<double>, double, NormalEquations*);
template void normal_equations<Residual::transfer>(const double*, Columns<double>, double, NormalEquations*);
template void normal_equations<Residual::reprojection>(const double*, Columns<double>, double, NormalEquations*);

}  // namespace fastcv::FASTCV_ISA::geometry
