// SPDX-License-Identifier: Apache-2.0
// The coarse space of the resident solver (coarse_space.h): its modes P, its system Pᵀ (S + damping) P, its correction.
//
// S is not needed for it: a point adds -Yᵀ Y with Y = Lᵀ shiftᵀ A P, summed over its observations by the images of a
// cluster first, so that clusters are to it what images are to the reduced system.
#pragma once

#include "ba/coarse_modes.hd.h"
#include "ba/dense_cholesky.hd.h"
#include "ba/resident_schur.hd.h"
#include "ba/resident_unknowns.hd.h"

namespace fastcv::FASTCV_ISA::ba {

struct ClusterArrays {
  std::int64_t num_clusters;
  int columns;
  // As in ClusterLists.
  const std::int32_t *cluster_of, *places;
  const std::int64_t *unknowns_begin, *frames_begin, *images_begin;
  const std::int32_t *unknowns, *frames, *images;
  const std::int32_t* meeting_points;
  const std::int64_t *observations_begin, *observations;
  double* modes;  // P: (num_unknowns, columns), 0 where an unknown is in no cluster

  FASTCV_HD const double* row(std::int64_t unknown) const { return modes + unknown * columns; }
};

// The sum of the frames' centres, by cluster.
struct ClusterCenters {
  ClusterArrays a;
  const double* frames;  // poses
  double* sums;          // (num_clusters, 3)
  FASTCV_HD int size() const { return 3; }
  FASTCV_HD std::int64_t begin(std::int64_t cluster) const { return a.frames_begin[cluster]; }
  FASTCV_HD std::int64_t end(std::int64_t cluster) const { return a.frames_begin[cluster + 1]; }
  FASTCV_HD double term(std::int64_t, std::int64_t i, int c) const {
    const double* p = frames + 12 * std::int64_t(a.frames[i]);
    return -(p[c] * p[3] + p[4 + c] * p[7] + p[8 + c] * p[11]);
  }
  FASTCV_HD void store(std::int64_t cluster, int c, double sum) const { sums[3 * cluster + c] = sum; }
};

// The modes of an unknown, before they are made orthonormal.
struct StartModes {
  ClusterArrays a;
  const double *frames, *sums;
  FASTCV_HD void operator()(std::int64_t unknown) const {
    double* row = a.modes + unknown * a.columns;
    for (int m = 0; m < a.columns; ++m) row[m] = 0;
    const std::int64_t cluster = a.cluster_of[unknown];
    const std::int32_t place = a.places[unknown];
    if (cluster < 0) return;
    if (place < 0) {
      row[kModes - 1 - place] = 1;
      return;
    }
    const double* pose = frames + 12 * std::int64_t(place / kPoseSize);
    const auto count = static_cast<double>(a.frames_begin[cluster + 1] - a.frames_begin[cluster]);
    double center[3], middle[3];
    projection_center(pose, center);
    for (int c = 0; c < 3; ++c) middle[c] = sums[3 * cluster + c] / count;
    move_with_world(pose, center, middle, place % kPoseSize, row);
  }
};

// Of a cluster's modes, in the metric of the damping: (num_clusters, columns, columns).
struct GramMatrices {
  ClusterArrays a;
  const double* damping;
  double* out;
  FASTCV_HD int size() const { return a.columns * a.columns; }
  FASTCV_HD std::int64_t begin(std::int64_t cluster) const { return a.unknowns_begin[cluster]; }
  FASTCV_HD std::int64_t end(std::int64_t cluster) const { return a.unknowns_begin[cluster + 1]; }
  FASTCV_HD double term(std::int64_t, std::int64_t i, int entry) const {
    const double* row = a.row(a.unknowns[i]);
    return damping[a.unknowns[i]] * row[entry / a.columns] * row[entry % a.columns];
  }
  FASTCV_HD void store(std::int64_t cluster, int entry, double sum) const { out[cluster * size() + entry] = sum; }
};

struct Orthonormalize {
  int columns;
  double* gram;
  FASTCV_HD void operator()(std::int64_t cluster) const { orthonormalize(gram + cluster * columns * columns, columns); }
};

struct CombineModes {
  ClusterArrays a;
  const double* lower;  // what Orthonormalize left
  FASTCV_HD void operator()(std::int64_t unknown) const {
    const std::int64_t cluster = a.cluster_of[unknown];
    if (cluster < 0) return;
    combine_modes(lower + cluster * a.columns * a.columns, a.columns, a.modes + unknown * a.columns);
  }
};

// E P of every image, of the unknowns that are its cluster's: (num_images, columns of an image, columns).
struct ImageModes {
  ClusterArrays a;
  RigMaps rigs;
  const std::int32_t* unknown_of;  // (num_images, rigs.width)
  double* out;
  FASTCV_HD void operator()(std::int64_t i) const {
    const int m = static_cast<int>(i % a.columns), c = static_cast<int>(i / a.columns % rigs.columns);
    const std::int64_t image = i / a.columns / rigs.columns;
    const std::int32_t* slots = unknown_of + image * rigs.width;
    const auto mode = [&](int slot) { return slots[slot] < 0 ? 0 : a.row(slots[slot])[m]; };
    if (!rigs.sensors || rigs.sensors[image] < 0 || c >= kPoseSize) {
      out[i] = mode(c);
      return;
    }
    double sum = 0;  // sensors are in no cluster
    for (int slot = 0; slot < kPoseSize; ++slot) sum += rigs.by_pose(image, c, slot) * mode(slot);
    out[i] = sum;
  }
};

// Pᵀ U P, by cluster: (num_clusters, columns, columns).
struct ClusterHessians {
  ResidentEquations e;
  ClusterArrays a;
  const double* image_modes;
  double* out;
  FASTCV_HD int size() const { return a.columns * a.columns; }
  FASTCV_HD std::int64_t begin(std::int64_t cluster) const { return a.images_begin[cluster]; }
  FASTCV_HD std::int64_t end(std::int64_t cluster) const { return a.images_begin[cluster + 1]; }
  FASTCV_HD double term(std::int64_t, std::int64_t i, int entry) const {
    const std::int64_t image = a.images[i];
    const double *modes = image_modes + image * e.columns * a.columns,
                 *hessian = e.image_hessian + image * e.columns * e.columns;
    double sum = 0;
    for (int r = 0; r < e.columns; ++r) {
      double along = 0;
      for (int c = 0; c < e.columns; ++c)
        along += hessian[r * e.columns + c] * modes[c * a.columns + entry % a.columns];
      sum += modes[r * a.columns + entry / a.columns] * along;
    }
    return sum;
  }
  FASTCV_HD void store(std::int64_t cluster, int entry, double sum) const { out[cluster * size() + entry] = sum; }
};

// Yᵀ of every meeting: (number of meetings, columns, 3).
struct MeetingCouplings {
  ResidentEquations e;
  ClusterArrays a;
  const double* image_modes;
  double* couplings;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t meeting = i / a.columns;
    const int m = static_cast<int>(i % a.columns);
    double z[3] = {}, l[6];
    for (std::int64_t at = a.observations_begin[meeting]; at < a.observations_begin[meeting + 1]; ++at) {
      const std::int64_t k = a.observations[at];
      const Column *row = e.row(k), *b = row + kShiftColumn;
      const double* modes = image_modes + std::int64_t(e.images[k]) * e.columns * a.columns + m;
      double y0 = 0, y1 = 0;
      for (int c = 0; c < e.columns; ++c) {
        y0 += row[c].x * modes[c * a.columns];
        y1 += row[c].y * modes[c * a.columns];
      }
      for (int d = 0; d < 3; ++d) z[d] += b[d].x * y0 + b[d].y * y1;
    }
    root_of(e.point_inverse + 6 * std::int64_t(a.meeting_points[meeting]), l);
    times_root(l, z[0], z[1], z[2], couplings + 3 * i);
  }
};

// Entry i of an identity on an identity: what the system of the clusters is added to. The modes are orthonormal in the
// metric of the damping, and those that became zero need something on the diagonal.
struct StartCoarse {
  DenseMatrix matrix;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t r = i / matrix.size;
    matrix.values[i] = r % matrix.size == i % matrix.size ? 1 : 0;
  }
};

// Entry i of all blocks.
struct AddBlocks {
  PairLists pairs;
  int width;
  const double* blocks;  // (number of pairs, width, width)
  DenseMatrix matrix;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t pair = i / (width * width), entry = i % (width * width);
    const std::int64_t r = std::int64_t(pairs.later[pair]) * width + entry / width,
                       c = std::int64_t(pairs.earlier[pair]) * width + entry % width;
    matrix.values[r * matrix.size + c] += blocks[i];
  }
};

// ---- The correction, by the inverse X Xᵀ with X = L⁻ᵀ.

// y = Pᵀ r.
struct Restrict {
  ClusterArrays a;
  const double* r;
  double* y;
  FASTCV_HD int size() const { return a.columns; }
  FASTCV_HD std::int64_t begin(std::int64_t cluster) const { return a.unknowns_begin[cluster]; }
  FASTCV_HD std::int64_t end(std::int64_t cluster) const { return a.unknowns_begin[cluster + 1]; }
  FASTCV_HD double term(std::int64_t, std::int64_t i, int m) const {
    return a.row(a.unknowns[i])[m] * r[a.unknowns[i]];
  }
  FASTCV_HD void store(std::int64_t cluster, int m, double sum) const { y[cluster * a.columns + m] = sum; }
};

// w = Xᵀ y, the entries of a few neighbouring columns to a row.
struct TimesTransposed {
  static constexpr int kColumns = 8;
  static_assert(kTile % kColumns == 0);
  DenseMatrix matrix;
  std::int64_t num_unknowns;
  const double* y;
  double* w;
  FASTCV_HD int size() const { return kColumns; }
  FASTCV_HD std::int64_t begin(std::int64_t) const { return 0; }
  FASTCV_HD std::int64_t end(std::int64_t row) const {
    const std::int64_t end = (row + 1) * kColumns;
    return end < num_unknowns ? end : num_unknowns;
  }
  FASTCV_HD double term(std::int64_t row, std::int64_t i, int c) const {
    return matrix.values[(matrix.size + i) * matrix.size + row * kColumns + c] * y[i];
  }
  FASTCV_HD void store(std::int64_t row, int c, double sum) const { w[row * kColumns + c] = sum; }
};

// y = X w.
struct TimesInverse {
  DenseMatrix matrix;
  std::int64_t num_unknowns;
  const double* w;
  double* y;
  FASTCV_HD int size() const { return 1; }
  FASTCV_HD std::int64_t begin(std::int64_t row) const { return row; }
  FASTCV_HD std::int64_t end(std::int64_t) const { return num_unknowns; }
  FASTCV_HD double term(std::int64_t row, std::int64_t i, int) const {
    return matrix.values[(matrix.size + row) * matrix.size + i] * w[i];
  }
  FASTCV_HD void store(std::int64_t row, int, double sum) const { y[row] = sum; }
};

// P y, for the unknowns one by one.
struct Correction {
  ClusterArrays a;
  const double* y;  // null where there is no coarse space
  FASTCV_HD double operator()(std::int64_t unknown) const {
    if (!y || a.cluster_of[unknown] < 0) return 0;
    const double *row = a.row(unknown), *of_cluster = y + std::int64_t(a.cluster_of[unknown]) * a.columns;
    double sum = 0;
    for (int m = 0; m < a.columns; ++m) sum += row[m] * of_cluster[m];
    return sum;
  }
};

}  // namespace fastcv::FASTCV_ISA::ba
