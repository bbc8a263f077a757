/* What of Mbed TLS a meter has: AES and CMAC, with memory from pool.cpp. Read by Mbed TLS itself, in C. */
#ifndef PREWATT_MBEDTLS_DEVICE_CONFIG_H
#define PREWATT_MBEDTLS_DEVICE_CONFIG_H
#include <stddef.h>

#define MBEDTLS_AES_C
#define MBEDTLS_AES_ROM_TABLES   /* tables in flash: a meter has little RAM */
#define MBEDTLS_AES_FEWER_TABLES /* 2.5 KB instead of 8.5 */
#define MBEDTLS_CIPHER_C
#define MBEDTLS_CMAC_C
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_CALLOC_MACRO prewatt_mbedtls_calloc
#define MBEDTLS_PLATFORM_FREE_MACRO prewatt_mbedtls_free

#ifdef __cplusplus
extern "C" {
#endif
void* prewatt_mbedtls_calloc(size_t count, size_t size);
void prewatt_mbedtls_free(void* memory);
#ifdef __cplusplus
}
#endif
#endif
