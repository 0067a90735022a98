// SPDX-License-Identifier: Apache-2.0
// How the columns of images follow from the unknowns, for the resident solver: as in unknowns.h, z = E u. An image has
// `width` slots, its frame's pose, its intrinsics and, where there are rigs, its sensor's pose; a slot is an unknown or
// fixed. Without rigs, slots are columns.
#pragma once

#include "ba/move_pose.hd.h"
#include "ba/rig.hd.h"

namespace fastcv::FASTCV_ISA::ba {

struct UnknownLists {
  const std::int32_t* unknown_of;     // (num_images * width,) -1 where it is fixed
  const std::int64_t *begin, *slots;  // (num_unknowns + 1,), and for each unknown the slots of images it stands for
};

struct Spread {
  UnknownLists lists;
  const double* unknowns;
  double* of_images;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int32_t unknown = lists.unknown_of[i];
    of_images[i] = unknown < 0 ? 0 : unknowns[unknown];
  }
};

// Sums over the images that share an unknown, of any number of right sides: row j of (slots of images, width). Unknowns
// with more than `most` slots are left to GatherMany.
struct Gather {
  UnknownLists lists;
  std::int64_t width, most;
  const double* of_images;
  double* unknowns;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t unknown = i / width, j = i % width;
    const std::int64_t begin = lists.begin[unknown], end = lists.begin[unknown + 1];
    if (end - begin > most) return;
    double sum = 0;
    for (std::int64_t at = begin; at < end; ++at) sum += of_images[lists.slots[at] * width + j];
    unknowns[i] = sum;
  }
};

// The same, one block each, for unknowns that many images share.
struct GatherMany {
  UnknownLists lists;
  const std::int64_t* many;
  const double* of_images;
  double* unknowns;
  FASTCV_HD int size() const { return 1; }
  FASTCV_HD std::int64_t begin(std::int64_t row) const { return lists.begin[many[row]]; }
  FASTCV_HD std::int64_t end(std::int64_t row) const { return lists.begin[many[row] + 1]; }
  FASTCV_HD double term(std::int64_t, std::int64_t at, int) const { return of_images[lists.slots[at]]; }
  FASTCV_HD void store(std::int64_t row, int, double sum) const { unknowns[many[row]] = sum; }
};

// By unknowns at last, padded to whole tiles with ones on the diagonal: (stride, stride) from (num_unknowns, slots of
// images).
struct GatherColumns {
  UnknownLists lists;
  std::int64_t num_unknowns, width, stride;
  const double *rows, *damping;
  double* matrix;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t r = i / stride, c = i % stride;
    double sum = r == c ? 1 : 0;
    if (r < num_unknowns && c < num_unknowns) {
      sum = r == c ? damping[r] : 0;
      for (std::int64_t at = lists.begin[c]; at < lists.begin[c + 1]; ++at) sum += rows[r * width + lists.slots[at]];
    }
    matrix[i] = sum;
  }
};

// ---- Rigs: from an image's slots to its columns, and back.

struct RigMaps {
  int columns, width;
  const std::int32_t *frames, *sensors;  // of every image; -1 for the sensor where the frame's pose is the image's
  PoseMap* maps;                         // of every image

  // E of a pose column by a slot of the frame or of the sensor.
  FASTCV_HD double by_pose(std::int64_t image, int a, int slot) const {
    const int s = slot < kPoseSize ? slot : slot - columns, r = a % 3, c = s % 3;
    const bool of_frame = slot < kPoseSize;
    if (sensors[image] < 0) return of_frame && a == s ? 1 : 0;
    const PoseMap& map = maps[image];
    if (a < 3) return s >= 3 ? 0 : of_frame ? map.turn[3 * r + c] : r == c ? 1 : 0;
    if (of_frame) return s < 3 ? map.lever[3 * r + c] : r == c ? 1 : 0;
    return s < 3 ? 0 : map.axes[3 * r + c];
  }
  FASTCV_HD bool is_pose(int slot) const { return slot < kPoseSize || slot >= columns; }
};

struct StandAt {
  RigMaps rigs;
  const double *rig_from_world, *sensor_from_rig;
  FASTCV_HD void operator()(std::int64_t image) const {
    const std::int64_t sensor = rigs.sensors[image], frame = rigs.frames[image];
    if (sensor >= 0) rigs.maps[image] = PoseMap::at(sensor_from_rig + 12 * sensor, rig_from_world + 12 * frame);
  }
};

struct PushPoses {
  RigMaps rigs;
  const double* slots;
  double* columns;
  FASTCV_HD void operator()(std::int64_t image) const {
    const double* from = slots + image * rigs.width;
    double* to = columns + image * rigs.columns;
    for (int c = 0; c < rigs.columns; ++c) to[c] = from[c];
    if (rigs.sensors[image] >= 0) rigs.maps[image].push(from, from + rigs.columns, to);
  }
};

struct PullPoses {
  RigMaps rigs;
  const double* columns;
  double* slots;
  FASTCV_HD void operator()(std::int64_t image) const {
    const double* from = columns + image * rigs.columns;
    double* to = slots + image * rigs.width;
    for (int c = 0; c < rigs.width; ++c) to[c] = c < rigs.columns ? from[c] : 0;
    if (rigs.sensors[image] >= 0) rigs.maps[image].pull(from, to, to + rigs.columns);
  }
};

// Eᵀ block E of pairs of images, one entry.
struct FoldBlocks {
  RigMaps rigs;
  const std::int32_t *later, *earlier;  // null for the blocks of every image with itself
  const double* blocks;                 // (number of pairs, columns, columns)
  double* folded;                       // (number of pairs, width, width)
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t size = std::int64_t(rigs.width) * rigs.width, pair = i / size;
    const int r = static_cast<int>(i % size) / rigs.width, c = static_cast<int>(i % size) % rigs.width;
    const std::int64_t left = later ? later[pair] : pair, right = earlier ? earlier[pair] : pair;
    const double* block = blocks + pair * rigs.columns * rigs.columns;
    const bool pose_r = rigs.is_pose(r), pose_c = rigs.is_pose(c);
    double sum = 0;
    for (int a = pose_r ? 0 : r; a < (pose_r ? kPoseSize : r + 1); ++a) {
      double along = 0;
      for (int b = pose_c ? 0 : c; b < (pose_c ? kPoseSize : c + 1); ++b) {
        along += block[a * rigs.columns + b] * (pose_c ? rigs.by_pose(right, b, c) : 1);
      }
      sum += (pose_r ? rigs.by_pose(left, a, r) : 1) * along;
    }
    folded[i] = sum;
  }
};

struct BlockDiagonals {
  int width;
  const double* blocks;
  double* out;
  FASTCV_HD void operator()(std::int64_t i) const { out[i] = blocks[i * width + i % width]; }
};

// Of frames or sensors.
struct MovePoses {
  const std::int32_t* unknowns;  // (count, 6)
  const double *step, *from;
  double* to;
  FASTCV_HD void operator()(std::int64_t i) const {
    double twist[kPoseSize];
    for (int c = 0; c < kPoseSize; ++c) {
      const std::int32_t unknown = unknowns[i * kPoseSize + c];
      twist[c] = unknown < 0 ? 0 : step[unknown];
    }
    move_pose(from + 12 * i, twist, to + 12 * i);
  }
};

struct ComposePoses {
  RigMaps rigs;
  const double *rig_from_world, *sensor_from_rig;
  double* cam_from_world;
  FASTCV_HD void operator()(std::int64_t image) const {
    const double* frame = rig_from_world + 12 * std::int64_t(rigs.frames[image]);
    double* pose = cam_from_world + 12 * image;
    const std::int64_t sensor = rigs.sensors[image];
    if (sensor >= 0) return compose_pose(sensor_from_rig + 12 * sensor, frame, pose);
    for (int i = 0; i < 12; ++i) pose[i] = frame[i];
  }
};

}  // namespace fastcv::FASTCV_ISA::ba
