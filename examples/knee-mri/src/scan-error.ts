/** What is wrong with a scan, or with what it shows: one table from code to what clients are told. No names, paths, patient data. */

export const scanErrors = {
  SCAN_UNREADABLE: "The upload is not a NIfTI volume or a DICOM series that can be read: it is damaged or cut off.",
  SCAN_TOO_LARGE: "The scan has more voxels than this service takes.",
  SCAN_TOO_SMALL: "The scan has too few voxels to show a knee.",
  SCAN_NOT_3D: "The scan is no single volume: send one three-dimensional series.",
  SCAN_TYPE_UNSUPPORTED: "The scan's kind of numbers is not supported: send grey values of 8, 16 or 32 bits.",
  SCAN_MIXED_FILES: "Send one NIfTI file, or the DICOM files of one series, or one zip of these.",
  SCAN_ARCHIVE_REFUSED: "The archive is damaged, or unpacks to something that is not taken.",
  SCAN_NOT_MR: "The series does not come from an MR scanner.",
  SCAN_COMPRESSED: "The DICOM files are compressed. Send them uncompressed (explicit or implicit VR).",
  SCAN_SEVERAL_SERIES: "The files belong to more than one series. Send one.",
  SCAN_SLICES_MISSING: "The slices are not evenly spaced: some are missing, double, or turned.",
  KNEE_NOT_FOUND: "No femur above a tibia was found. Is it a fat-suppressed scan of one knee?",
  CARTILAGE_NOT_FOUND: "No cartilage was found between femur and tibia.",
} as const;

export type ScanErrorCode = keyof typeof scanErrors;

export class ScanError extends Error {
  readonly code: ScanErrorCode;

  constructor(code: ScanErrorCode, options?: ErrorOptions) {
    super(scanErrors[code], options);
    this.name = "ScanError";
    this.code = code;
  }
}
