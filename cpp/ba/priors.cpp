// SPDX-License-Identifier: Apache-2.0
#include "ba/priors.h"

#include <algorithm>
#include <numeric>

#include "ba/reprojection.hd.h"

namespace fastcv::ba {
namespace {

constexpr int kPose = generic::ba::kPoseSize;
constexpr int kPosition = 3;  // where v begins

}  // namespace

ImagePriors::ImagePriors(const Problem& problem, const Lenses& lenses, int columns)
    : poses_(problem.pose_priors),
      positions_(problem.position_priors),
      params_(problem.params_priors),
      columns_(columns),
      slots_(problem.num_images(), -1) {
  for (std::int64_t i = 0; i < params_.size(); ++i) {
    const std::int32_t image = params_.images(i), camera = problem.image_cameras(image);
    const std::uint8_t* free = lenses.free_params + std::int64_t(camera) * (columns - kPose);
    const auto column = std::find(free, free + lenses.num_free[camera], params_.indices(i)) - free;
    const bool fixed = column == lenses.num_free[camera];
    params_places_.push_back({problem.param_offsets(camera) + params_.indices(i), fixed ? -1 : kPose + int(column)});
    slots_[image] = 0;
  }
  for (const Priors* priors : {&poses_, &positions_}) {
    for (std::int64_t i = 0; i < priors->size(); ++i) slots_[priors->rows(i)] = 0;
  }
  for (std::size_t image = 0; image < slots_.size(); ++image) {
    if (slots_[image] < 0) continue;
    slots_[image] = static_cast<std::int32_t>(images_.size());
    images_.push_back(static_cast<std::int32_t>(image));
  }
  gradient_.resize(images_.size() * columns);
  hessian_.resize(images_.size() * columns * columns);
}

template <class F>
double ImagePriors::for_each(const Estimate& at, const F& f) const {
  double cost = 0;
  const auto add = [&](const RobustLoss& loss, std::int32_t image, int column, const auto& term) {
    const generic::ba::RhoDerivatives rho = generic::ba::robust_loss(loss, term.squared());
    cost += 0.5 * rho.rho;
    f(image, column, term, rho.first);
  };
  const auto pose = [&](std::int32_t image) { return at.cam_from_world + 12 * std::int64_t(image); };
  for (std::int64_t i = 0; i < poses_.size(); ++i) {
    const std::int32_t image = poses_.rows(i);
    add(poses_.loss, image, 0,
        generic::ba::pose_prior(pose(image), poses_.values.data + 12 * i, poses_.whitening.data + 36 * i));
  }
  for (std::int64_t i = 0; i < positions_.size(); ++i) {
    const std::int32_t image = positions_.rows(i);
    add(positions_.loss, image, kPosition,
        generic::ba::position_prior(pose(image), positions_.values.data + 3 * i, positions_.whitening.data + 9 * i));
  }
  for (std::int64_t i = 0; i < params_.size(); ++i) {
    add({Loss::none, 1}, params_.images(i), params_places_[i].column,
        generic::ba::difference_prior<1>(at.params + params_places_[i].index, &params_.values(i), &params_.weights(i)));
  }
  return cost;
}

double ImagePriors::cost(const Estimate& at) const {
  return for_each(at, [](std::int32_t, int, const auto&, double) {});
}

double ImagePriors::linearize(const Estimate& at) {
  std::fill(gradient_.begin(), gradient_.end(), 0.0);
  std::fill(hessian_.begin(), hessian_.end(), 0.0);
  return for_each(at, [this]<int D>(std::int32_t image, int first, const generic::ba::PriorTerm<D>& term, double w) {
    if (first < 0) return;
    double* gradient = gradient_.data() + std::int64_t(slots_[image]) * columns_ + first;
    double* hessian = hessian_.data() + std::int64_t(slots_[image]) * columns_ * columns_;
    for (int k = 0; k < D; ++k) {
      const double* row = term.jacobian[k];
      for (int r = 0; r < D; ++r) {
        gradient[r] += w * row[r] * term.residual[k];
        for (int c = 0; c < D; ++c) hessian[block_index(columns_, first + r, first + c)] += w * row[r] * row[c];
      }
    }
  });
}

void ImagePriors::add_gradient(double* of_images) const {
  for (std::size_t s = 0; s < images_.size(); ++s) {
    double* to = of_images + std::int64_t(images_[s]) * columns_;
    for (int c = 0; c < columns_; ++c) to[c] += gradient_[s * columns_ + c];
  }
}

void ImagePriors::add_hessian(double* of_images) const {
  const std::int64_t size = std::int64_t(columns_) * columns_;
  for (std::size_t s = 0; s < images_.size(); ++s) {
    double* to = of_images + images_[s] * size;
    for (std::int64_t i = 0; i < size; ++i) to[i] += hessian_[s * size + i];
  }
}

void ImagePriors::add_product(const double* x, double* y) const {
  for (std::size_t s = 0; s < images_.size(); ++s) {
    const double *block = hessian_.data() + s * columns_ * columns_, *from = x + std::int64_t(images_[s]) * columns_;
    double* to = y + std::int64_t(images_[s]) * columns_;
    for (int r = 0; r < columns_; ++r) {
      for (int c = 0; c < columns_; ++c) to[r] += block[block_index(columns_, r, c)] * from[c];
    }
  }
}

double ImagePriors::curvature(const double* x) const {
  if (images_.empty()) return 0;
  std::vector<double> product(slots_.size() * columns_, 0.0);
  add_product(x, product.data());
  return std::inner_product(product.begin(), product.end(), x, 0.0);
}

double curvature_of_point_priors(const Priors& priors, const double* points, const double* step) {
  double sum = 0;
  for (std::int64_t i = 0; i < priors.size(); ++i) {
    const std::int64_t p = priors.rows(i);
    const generic::ba::PriorTerm<3> term = generic::ba::point_prior(priors, i, points + 3 * p);
    const double weight = generic::ba::robust_loss(priors.loss, term.squared()).first;
    for (const auto& row : term.jacobian) {
      const double along = row[0] * step[3 * p] + row[1] * step[3 * p + 1] + row[2] * step[3 * p + 2];
      sum += weight * along * along;
    }
  }
  return sum;
}

}  // namespace fastcv::ba
