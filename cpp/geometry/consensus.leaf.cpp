// SPDX-License-Identifier: Apache-2.0
// The hot loops of robust estimation: score a model, and linearise the residuals of its inliers. Sixteen lanes are
// summed apart and then in a fixed order, so every instruction set gives the same bits.
#include "core/interrupt.h"
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

// This instruction set's registers, by GCC's and Clang's vector extension: compilers turn the plain loop over the
// residuals into vector code, but not the sums behind it.
#if defined(__AVX512F__)
constexpr int kRegisterBytes = 64;
#elif defined(__AVX2__)
constexpr int kRegisterBytes = 32;
#else
constexpr int kRegisterBytes = 16;
#endif

// kLanes numbers that add like one.
template <class T>
struct alignas(64) Lanes {
  typedef T Register __attribute__((vector_size(kRegisterBytes), may_alias));
  static constexpr int kRegisters = static_cast<int>(kLanes * sizeof(T) / kRegisterBytes);
  T lane[kLanes];

  Register& at(int k) { return reinterpret_cast<Register*>(lane)[k]; }
  const Register& at(int k) const { return reinterpret_cast<const Register*>(lane)[k]; }
  void add_product(const Lanes& a, const Lanes& b) {
    for (int k = 0; k < kRegisters; ++k) at(k) += a.at(k) * b.at(k);
  }
  double sum() const {
    double sums[kLanes];
    for (int k = 0; k < kLanes; ++k) sums[k] = lane[k];
    for (int width = kLanes / 2; width > 0; width /= 2) {
      for (int k = 0; k < width; ++k) sums[k] += sums[k + width];
    }
    return sums[0];
  }
};

// Sums over inliers, those with a positive gain. Squared: of squared gains.
template <class T, bool squared>
struct Sums {
  Lanes<T> scores{}, counts{};

  void add(const Lanes<T>& gains) {
    constexpr typename Lanes<T>::Register kZero{};
    for (int k = 0; k < Lanes<T>::kRegisters; ++k) {
      const auto value = squared ? gains.at(k) * gains.at(k) : gains.at(k);
      scores.at(k) += gains.at(k) > kZero ? value : kZero;
      counts.at(k) += gains.at(k) > kZero ? kZero + T(1) : kZero;
    }
  }
};

}  // namespace

template <Residual kind, class T>
Consensus consensus(const T* model, Columns<T> columns, T threshold, double score_to_beat) {
  using Type = typename TypeOf<kind>::type;
  constexpr std::int64_t kRowsBetweenChecks = 8 * kLanes;
  constexpr double kSigmas = 2.5;
  T m[Type::kModel];
  for (int k = 0; k < Type::kModel; ++k) m[k] = model[k];
  const T inv_threshold2 = T(1) / (threshold * threshold);
  Consensus result{0.0, 0};
  for (std::int64_t row = 0; row < columns.rows;) {
    Sums<T, false> sums;
    const std::int64_t end = row + kRowsBetweenChecks < columns.rows ? row + kRowsBetweenChecks : columns.rows;
    for (; row < end; row += kLanes) {
      Lanes<T> gains;
      for (int lane = 0; lane < kLanes; ++lane) {
        T c[Type::kColumns];
        for (int k = 0; k < Type::kColumns; ++k) c[k] = columns.data[k * columns.stride + row + lane];
        gains.lane[lane] = T(1) - Type::squared_error(m, c) * inv_threshold2;
      }
      sums.add(gains);
    }
    result.score += sums.scores.sum();
    result.num_inliers += static_cast<std::int64_t>(sums.counts.sum());
    const double done = static_cast<double>(row < columns.rows ? row : columns.rows);
    const double rows = static_cast<double>(columns.rows);
    if (result.score + rows - done <= score_to_beat) break;
    const double missing = score_to_beat * done / rows - result.score;
    if (missing > 0.0 && missing * missing > kSigmas * kSigmas * (score_to_beat * done / rows)) break;
  }
  return result;
}

template <Residual kind>
void normal_equations(const double* model, Columns<double> columns, double threshold, NormalEquations* out) {
  using Type = typename TypeOf<kind>::type;
  constexpr std::int64_t kRowsBetweenPolls = 1 << 16;
  constexpr int kP = Type::kTangent, kR = Type::kResiduals, kHessian = kP * (kP + 1) / 2;
  double m[Type::kModel];
  for (int k = 0; k < Type::kModel; ++k) m[k] = model[k];
  const double inv_threshold2 = 1.0 / (threshold * threshold);
  Lanes<double> hessian[kHessian] = {}, gradient[kP] = {};
  Sums<double, true> sums;
  for (std::int64_t row = 0; row < columns.rows; row += kLanes) {
    if (row % kRowsBetweenPolls == 0) poll_interrupt();
    Lanes<double> r[kR], jacobian[kR][kP], gains;
    for (int lane = 0; lane < kLanes; ++lane) {
      double c[Type::kColumns], ri[kR], ji[kR * kP], error2 = 0.0;
      for (int k = 0; k < Type::kColumns; ++k) c[k] = columns.data[k * columns.stride + row + lane];
      Type::linearize(m, c, ri, ji);
      for (int k = 0; k < kR; ++k) error2 += ri[k] * ri[k];
      gains.lane[lane] = 1.0 - error2 * inv_threshold2;
      for (int k = 0; k < kR; ++k) r[k].lane[lane] = gains.lane[lane] > 0.0 ? ri[k] * gains.lane[lane] : 0.0;
      for (int k = 0; k < kR * kP; ++k) jacobian[k / kP][k % kP].lane[lane] = gains.lane[lane] > 0.0 ? ji[k] : 0.0;
    }
    sums.add(gains);
    for (int k = 0; k < kR; ++k) {
      int at = 0;
      for (int i = 0; i < kP; ++i) {
        for (int j = i; j < kP; ++j, ++at) hessian[at].add_product(jacobian[k][i], jacobian[k][j]);
        gradient[i].add_product(jacobian[k][i], r[k]);
      }
    }
  }
  for (int k = 0; k < kHessian; ++k) out->hessian[k] = hessian[k].sum();
  for (int k = 0; k < kP; ++k) out->gradient[k] = gradient[k].sum();
  out->consensus = {sums.scores.sum(), static_cast<std::int64_t>(sums.counts.sum())};
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
